// The finder: normalise, exact key, PCI id, whole-word scan; then the answer's row. It decides nothing: every answer in
// DATA was made by the same program that the command line runs.
(() => {
  "use strict";

  const tokens = (text) =>
    (text
      .normalize("NFKC")
      .toLowerCase()
      .replace(/\((?:r|tm|c)\)|[®™©]/g, " ")
      .replace(/([a-z])\+/g, "$1 plus ")
      .match(/[a-z0-9]+/g)) || [];

  const parts = (version) => version.split(".").map(Number);
  const compare = (one, other) => {
    const a = parts(one), b = parts(other);
    for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
      const left = at < a.length ? a[at] : -1, right = at < b.length ? b[at] : -1;
      if (left !== right) return left - right;
    }
    return 0;
  };

  function makeFinder(data) {
    const gpus = data.gpus.map((line, at) => {
      const [name, capability, architecture, keys, pci] = line.split("|");
      return { at, name, capability: Number(capability), architecture: data.architectures[Number(architecture)], keys, pci };
    });
    const keys = new Map(Object.entries(data.shared));
    const devices = new Map();
    for (const gpu of gpus) {
      for (const packed of gpu.keys ? gpu.keys.split(" ") : []) {
        const [core, mask] = packed.split(":");
        if (!mask) keys.set(core, [gpu.at]);
        else data.leading.forEach((front, bit) => { if ((parseInt(mask, 16) >> bit) & 1) keys.set(front + core, [gpu.at]); });
      }
      for (const device of gpu.pci ? gpu.pci.split(" ") : []) devices.set(device, [...(devices.get(device) || []), gpu.at]);
    }
    const chips = new Set(data.chips);
    const changing = new Set(data.changing), vendors = new Set(data.vendors);
    // A name without its line's word is a phone's or a printer's, too, unless the text speaks of GPUs.
    const line = new RegExp(data.line);
    const isFiller = (word) => /^(?:\d+gb?|sxm\d?|pcie|x\d+)$/.test(word);
    const speaks = /^(?:nvidia|geforce|quadro|tesla|gpus?|gres|grid|colab|kaggle|slurm|cuda)$/;
    const isWeak = (key, words) =>
      /^\d+$/.test(key) || (!line.test(key) && !chips.has(key.replace(/(?<=\d)[a-z]{1,3}$/, "")) && !words.some((word) => speaks.test(word)) && !words.every((word) => key.includes(word) || isFiller(word)));
    const machines = data.machines.map((line) => {
      const at = line.lastIndexOf(" ");
      return { pattern: new RegExp(`(?<![a-z0-9._-])(?:${line.slice(0, at)})(?![a-z0-9_])`), gpu: Number(line.slice(at + 1)) };
    });

    const byDevice = (text) => {
      const lowered = text.toLowerCase();
      const found = lowered.match(/ven_10de&dev_([0-9a-f]{4})|10de[:-]([0-9a-f]{4})\b|\(0x0000([0-9a-f]{4})\)|nvidia[^|]* device ([0-9a-f]{4})\b/);
      return found ? devices.get(found[1] || found[2] || found[3] || found[4]) || [] : null;
    };

    // {state: "found", at} | {state: "ask", list} | {state: "unknown" | "changed" | "vendor"}
    function find(text) {
      const device = byDevice(text);
      if (device) return settle(device);
      // Direct3D's shader models (vs_5_0) are no "versus".
      const words = tokens(text.slice(0, 20000).replace(/\b[vp]s_\d_\d\b|\(rev \w+\)/gi, " "));
      if (!words.length) return { state: "unknown" };
      if (/or similar|graphics device/i.test(text)) return { state: "changed" };
      const whole = keys.get(words.join("")) || keys.get(words.filter((w) => w !== "nvidia").join(""));
      if (whole) return settle(whole);
      if (words.length < 12) {
        const lowered = text.trim().toLowerCase();
        const machine = machines.find(({ pattern }) => pattern.test(lowered));
        if (machine) return settle([machine.gpu]);
      }
      if (words.some((word) => vendors.has(word))) {
        // Of a list (Intel UHD 630 + GeForce GTX 1650) NVIDIA's part alone is read.
        const pieces = text.split(/ \+ | & |[,;|]/);
        const own = pieces.filter((piece) => !tokens(piece).some((word) => vendors.has(word)) && /nvidia|geforce|quadro|[rg]tx/i.test(piece));
        if (own.length && own.length < pieces.length) return find(own.join(" , "));
      }
      return scan(words.slice(0, 4000));
    }

    function scan(words) {
      const taken = new Array(words.length).fill(false), found = [];
      for (let size = Math.min(8, words.length); size; size -= 1) {
        for (let from = 0; from + size <= words.length; from += 1) {
          if (taken.slice(from, from + size).some(Boolean)) continue;
          const key = words.slice(from, from + size).join("");
          const glued = words.slice(from, from + size).some((word) => word.length > 16); // a phrase without its spaces
          const named = glued || isWeak(key, words) ? null : keys.get(key);
          if (named) {
            found.push(named);
            taken.fill(true, from, from + size);
          }
        }
      }
      const rest = words.filter((_, at) => !taken[at]);
      if (!found.length) return { state: rest.some((word) => vendors.has(word)) ? "vendor" : "unknown" };
      // A chip's codename decides whatever is said beside it.
      const chip = words.some((word, at) => taken[at] && chips.has(word.replace(/(?<=\d)[a-z]{1,3}$/, "")));
      if (chip) return settle([...new Set(found.flat())]);
      const beside = words.some((word, at) => !taken[at] && changing.has(word) && (taken[at - 1] || taken[at + 1]));
      const denied = rest.some((word) => ["not", "or", "better", "than", "like", "similar", "vs"].includes(word));
      if (beside || (denied && words.length < 40) || rest.some((word) => vendors.has(word))) return { state: "changed" };
      return settle([...new Set(found.flat())]);
    }

    function settle(list) {
      if (!list.length) return { state: "unknown" };
      const kinds = new Set(list.map((at) => gpus[at].capability));
      return kinds.size === 1 ? { state: "found", at: list[0], list } : { state: "ask", list };
    }

    function answer(capability, platform, python, driver) {
      const row = data.rows[platform][capability][data.pythons.indexOf(python)];
      let at = -1;
      let next = null;
      for (const entry of row ? row.split(" ") : []) {
        const [since, position] = entry.split(":");
        if (compare(since, driver) <= 0) at = Number(position);
        else if (!next) next = { driver: since, at: Number(position) };
      }
      return at < 0 ? null : { ...unpack(at), newer: newer(at, row, driver) };
    }

    // The first later driver that gives a newer release.
    function newer(at, row, driver) {
      const now = unpack(at).pip;
      for (const entry of row.split(" ")) {
        const [since, position] = entry.split(":");
        const then = unpack(Number(position)).pip;
        if (compare(since, driver) > 0 && then && (!now || compare(then.torch, now.torch) > 0)) return { driver: since, torch: then.torch };
      }
      return null;
    }

    const pairing = (at) => {
      if (at < 0) return null;
      const [torch, tag, code, floor, source, vision, specs] = data.pairings[at];
      return { torch, tag, code, floor, source, vision, specs: specs.split("\t") };
    };
    function unpack(at) {
      const [pip, conda, pipLock, condaLock, reason, notices] = data.answers[at];
      const lock = (position) => (position < 0 ? null : { folder: data.locks[position][0], size: data.locks[position][1] });
      return { pip: pairing(pip), conda: pairing(conda), pipLock: lock(pipLock), condaLock: lock(condaLock), reason, notices };
    }

    // A driver in a pasted text: nvidia-smi's banner, Windows' four fields, or the number alone.
    function driverIn(text) {
      const banner = text.match(/driver version\s*:?\s*(\d{3}\.\d{1,3}(?:\.\d{1,3})?)/i);
      if (banner) return banner[1];
      const fields = text.match(/\b\d{2}\.\d{1,2}\.\d(\d)\.(\d{4})\b/);
      if (fields) return `${fields[1]}${fields[2].slice(0, 2)}.${fields[2].slice(2)}`;
      const plain = text.trim().match(/^\d{3}(?:\.\d{1,3}){0,2}$/);
      return plain ? plain[0] : "";
    }

    const suggest = (text) => {
      const words = tokens(text).filter((word) => word !== "nvidia");
      if (!words.length) return [];
      return gpus.filter((gpu) => {
        const own = tokens(gpu.name);
        return words.every((word) => own.some((part) => part.startsWith(word)) || own.join("").includes(words.join("")));
      }).slice(0, 8);
    };

    return { gpus, find, keys, answer, driverIn, suggest, tokens, compare };
  }

  globalThis.envgenFinder = { makeFinder, tokens, compare };
  if (typeof document === "undefined") return;

  const data = JSON.parse(document.getElementById("data").textContent);
  const say = JSON.parse(document.getElementById("messages").textContent);
  const finder = makeFinder(data);
  const $ = (id) => document.getElementById(id);
  const fill = (key, values) => say[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  const node = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  const platformOfBrowser = () => {
    const agent = `${navigator.platform} ${navigator.userAgent}`;
    if (/win/i.test(agent)) return "win-64";
    return /aarch64|arm64/i.test(agent) && /linux/i.test(agent) ? "linux-aarch64" : "linux-64";
  };

  function readAddress() {
    const asked = new URLSearchParams(location.hash.slice(1));
    $("gpu").value = asked.get("gpu") || "";
    $("driver").value = asked.get("driver") || "";
    $("platform").value = asked.get("platform") || platformOfBrowser();
    $("python").value = asked.get("python") || "3.12";
    if (!$("platform").value) $("platform").value = "linux-64";
    if (!$("python").value) $("python").value = "3.12";
  }

  function writeAddress() {
    const asked = new URLSearchParams();
    for (const id of ["gpu", "driver", "platform", "python"]) if ($(id).value) asked.set(id, $(id).value.trim().slice(0, 200));
    history.replaceState(null, "", `#${asked}`);
  }

  function block(title, text) {
    const button = node("button", { type: "button" }, say.copy);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        const range = document.createRange();
        range.selectNodeContents(button.parentElement.querySelector("pre"));
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        document.execCommand("copy");
      }
      button.textContent = say.copied;
    });
    return node("section", { class: "block" }, node("h3", {}, title), button, node("pre", { tabindex: "0" }, text));
  }

  function commands(answer, platform, python) {
    const made = [];
    const windows = platform === "win-64";
    if (answer.pip) {
      const { torch, vision, source, tag } = answer.pip;
      const packages = `torch==${torch}${vision ? ` torchvision==${vision}` : ""}`;
      const index = source.includes("pypi.org") ? "" : ` --index-url ${source}`;
      const own = windows ? ".venv\\Scripts\\python" : ".venv/bin/python";
      const make = windows ? `py -${python} -m venv .venv` : `python${python} -m venv .venv`;
      made.push(block(say.paste_pip, `${make}\n${own} -m pip install ${packages}${index}`));
      made.push(block(say.paste_uv, `uv venv --python ${python}\nuv pip install ${packages}${index || ""}`));
      void tag;
    }
    if (answer.conda) {
      const { source, specs } = answer.conda;
      const quoted = specs.map((spec) => `"${spec}"`).join(" ");
      const channels = source === "pytorch" ? "-c pytorch -c nvidia -c conda-forge" : `-c ${source}`;
      made.push(block(say.paste_conda, `conda create --name torch --override-channels ${channels} ${quoted}\nconda activate torch`));
      made.push(block(say.paste_pixi, `pixi init torch ${channels}\ncd torch\npixi add ${quoted}`));
    }
    return made;
  }

  function show() {
    const out = $("answer");
    out.replaceChildren();
    const text = $("gpu").value;
    if (!text.trim()) return;
    writeAddress();
    const pasted = finder.driverIn(text);
    if (pasted && !$("driver").value && text.trim() !== pasted) $("driver").value = pasted;
    const found = finder.find(text);
    if (found.state === "ask") {
      out.append(node("p", {}, say.ask), node("ul", { class: "choices" }, ...found.list.slice(0, 40).map((at) => {
        const gpu = finder.gpus[at];
        const button = node("button", { type: "button" }, `${gpu.name} (${data.capabilities[gpu.capability]})`);
        button.addEventListener("click", () => showGpu(gpu));
        return node("li", {}, button);
      })));
    } else if (found.state === "found") {
      showGpu(finder.gpus[found.at]);
    } else {
      out.append(node("p", { role: "alert" }, say[found.state]));
    }
  }

  function showGpu(gpu) {
    const out = $("answer");
    out.replaceChildren();
    const platform = $("platform").value, python = $("python").value;
    const capability = data.capabilities[gpu.capability];
    const given = finder.driverIn($("driver").value);
    const driver = given || data.assumed[platform][gpu.capability] || "999";
    const answer = driver ? finder.answer(gpu.capability, platform, python, driver.includes(".") ? driver : `${driver}.00`) : null;
    const chosen = answer && (answer.pip || answer.conda);
    if (!chosen) {
      out.append(node("h2", {}, fill("nothing", { gpu: gpu.name })));
      if (answer && answer.reason && say[`reason.${answer.reason}`]) out.append(node("p", {}, say[`reason.${answer.reason}`]));
    } else {
      out.append(node("h2", {}, fill(answer.pip ? "runs" : "runs_conda", { gpu: gpu.name, torch: `${chosen.torch} (CUDA ${chosen.tag.slice(2, -1)}.${chosen.tag.slice(-1)})` })));
      out.append(node("p", {}, fill(chosen.code.startsWith("sm") ? "why" : "why_ptx", { code: chosen.code, capability, floor: chosen.floor })));
      if (!given) out.append(node("p", {}, fill("assumed", { driver, floor: chosen.floor })));
      if (answer.newer) out.append(node("p", {}, fill("newer", answer.newer)));
      out.append(...commands(answer, platform, python));
      const locks = [["lock_pip", answer.pipLock], ["lock_conda", answer.condaLock]].filter(([, lock]) => lock);
      for (const [key, lock] of locks) {
        const name = lock.folder.split("/").pop();
        out.append(node("p", {}, node("a", { href: `${document.documentElement.dataset.root}locks/${lock.folder.replaceAll("/", "-")}.zip`, download: "" }, fill(key, { torch: name }))));
        if (lock.size) out.append(node("p", {}, fill("size", { size: (lock.size / 1e9).toFixed(1) })));
      }
      if (!locks.length) out.append(node("p", {}, say.lock_none));
      for (const key of ["no_toolkit", "no_python", "vscode", "smoke"]) out.append(node("p", {}, fill(key, { python })));
    }
    const page = `${finder.tokens(gpu.name).join("-")}`;
    const same = finder.gpus.filter((other) => other.name === gpu.name).length > 1;
    const href = `gpu/${page}${same ? `-${capability.replace(".", "-")}` : ""}.html`;
    out.append(node("p", {}, node("a", { href }, fill("page_gpu", { gpu: gpu.name }))));
  }

  function detect() {
    const gl = document.createElement("canvas").getContext("webgl");
    const info = gl && gl.getExtension("WEBGL_debug_renderer_info");
    const name = globalThis.envgenRenderer || (gl && gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER)) || "";
    const clear = /nvidia|geforce|quadro|rtx|gtx/i.test(name) && !/or similar/i.test(name);
    if (clear) $("gpu").value = name;
    show();
    if (!clear) $("answer").replaceChildren(node("p", { role: "alert" }, say.detect_hidden));
  }

  readAddress();
  let waiting = 0;
  $("gpu").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      $("names").replaceChildren(...finder.suggest($("gpu").value).map((gpu) => node("option", { value: gpu.name })));
      show();
    }, 60);
  });
  for (const id of ["driver", "platform", "python"]) $(id).addEventListener("change", show);
  $("detect").addEventListener("click", detect);
  $("form").addEventListener("submit", (event) => {
    event.preventDefault();
    show();
  });
  addEventListener("hashchange", () => {
    readAddress();
    show();
  });
  show();
})();
