// The page around the finder: reads the form and the address, shows the answer.
(() => {
  "use strict";

  const { makeFinder, tokens } = globalThis.envgenFinder;
  const data = JSON.parse(document.getElementById("data").textContent);
  const say = JSON.parse(document.getElementById("messages").textContent);
  const root = document.documentElement.dataset.root;
  const finder = makeFinder(data);
  const $ = (id) => document.getElementById(id);
  const fill = (key, values) => say[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  const node = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const paragraph = (text, kind = "") => node("p", kind ? { class: kind } : {}, ...text.split("`").map((part, at) => (at % 2 ? node("code", {}, part) : part)));
  let pasted = ""; // the driver that a pasted text brought, which goes with that text
  let chosen = ""; // the compute capability that was chosen where a name means several
  let tab = "pip";

  const platformOfBrowser = () => {
    const agent = `${navigator.platform} ${navigator.userAgent}`;
    if (/win/i.test(agent)) return "win-64";
    return /aarch64|arm64/i.test(agent) && /linux/i.test(agent) ? "linux-aarch64" : "linux-64";
  };

  function select(id, value, otherwise) {
    $(id).value = value || otherwise;
    if (!$(id).value) $(id).value = otherwise;
  }

  function readAddress() {
    const asked = new URLSearchParams(location.hash.slice(1));
    $("gpu").value = asked.get("gpu") || "";
    $("driver").value = asked.get("driver") || "";
    $("update").checked = asked.get("update") === "1";
    select("platform", asked.get("platform"), platformOfBrowser());
    select("python", asked.get("python"), "3.12");
    chosen = asked.get("cc") || "";
  }

  function writeAddress() {
    const asked = new URLSearchParams();
    for (const id of ["gpu", "driver", "platform", "python"]) if ($(id).value.trim()) asked.set(id, $(id).value.trim().slice(0, 200));
    if (chosen) asked.set("cc", chosen);
    if ($("update").checked) asked.set("update", "1");
    history.replaceState(null, "", `#${asked}`);
  }

  async function copy(text, shown, button) {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(shown);
      document.execCommand("copy");
    }
    button.textContent = say.copied;
    setTimeout(() => { button.textContent = say.copy; }, 2000);
  }

  function block(text, label) {
    const shown = node("pre", { tabindex: "0", role: "group", "aria-label": label }, text);
    const button = node("button", { type: "button", class: "copy" }, say.copy);
    button.addEventListener("click", () => copy(text, shown, button));
    return node("div", { class: "block" }, shown, button);
  }

  function pipLines(pip, platform, python) {
    const packages = `torch==${pip.torch}${pip.vision ? ` torchvision==${pip.vision}` : ""}`;
    const index = pip.source.includes("pypi.org") ? "" : ` --index-url ${pip.source}`;
    const windows = platform === "win-64";
    const own = windows ? ".venv\\Scripts\\python" : ".venv/bin/python";
    return {
      pip: `${windows ? `py -${python}` : `python${python}`} -m venv .venv\n${own} -m pip install ${packages}${index}`,
      uv: `uv venv --python ${python}\nuv pip install ${packages}${index}`,
    };
  }

  function condaLines(conda, python) {
    const specs = conda.specs.map((spec) => `"${spec.replace("=*", `=${python}`)}"`).join(" ");
    const channels = conda.source.split(" ").map((channel) => `-c ${channel}`).join(" ");
    return {
      conda: `conda create --name torch --override-channels ${channels} ${specs}\nconda activate torch`,
      pixi: `pixi init torch ${channels}\ncd torch\npixi add ${specs}`,
    };
  }

  // Tabs as in WAI-ARIA's pattern: arrows move between them, one panel is shown.
  function tabs(panels) {
    const names = Object.keys(panels);
    if (!names.includes(tab)) tab = names[0];
    const buttons = names.map((name) => node("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "panel" }, name));
    const panel = node("div", { role: "tabpanel", id: "panel", "aria-labelledby": `tab-${tab}` });
    const open = (at) => {
      tab = names[at];
      buttons.forEach((button, other) => {
        button.setAttribute("aria-selected", String(other === at));
        button.tabIndex = other === at ? 0 : -1;
      });
      panel.setAttribute("aria-labelledby", `tab-${tab}`);
      panel.replaceChildren(block(panels[tab], tab));
    };
    buttons.forEach((button, at) => {
      button.addEventListener("click", () => open(at));
      button.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        open((at + step + names.length) % names.length);
        buttons[names.indexOf(tab)].focus();
      });
    });
    open(names.indexOf(tab));
    return node("div", { class: "tabs" }, node("div", { role: "tablist", "aria-label": say.install }, ...buttons), panel);
  }

  function lockPart(key, lock, platform, python, commands) {
    const folder = lock.folder.replace("*", python);
    const name = `${folder.replaceAll("/", "-")}.zip`;
    const link = node("a", { href: `${root}locks/${name}`, download: "" }, fill(key, { torch: folder.split("/").pop() }));
    const unpack = platform === "win-64" ? `tar -xf ${name}` : `unzip ${name}`;
    return node("li", {}, link, block([unpack, `cd ${folder.split("/").pop()}`, ...commands].join("\n"), say.lock_commands));
  }

  function locks(answer, platform, python) {
    const windows = platform === "win-64";
    const own = windows ? ".venv\\Scripts\\python" : ".venv/bin/python";
    const made = [];
    if (answer.pipLock) {
      const make = windows ? `py -${python} -m venv .venv` : `python${python} -m venv .venv`;
      made.push(lockPart("lock_pip", answer.pipLock, platform, python, [make, `${own} -m pip install --require-hashes -r requirements.txt`, `${own} smoke_test.py`]));
    }
    if (answer.condaLock) {
      made.push(lockPart("lock_conda", answer.condaLock, platform, python, [`conda create --name envgen --file conda-${platform}.lock`, "conda activate envgen", "python smoke_test.py"]));
    }
    if (!made.length) return paragraph(say.lock_none);
    return node("details", {}, node("summary", {}, say.locks), node("ul", { class: "plain" }, ...made));
  }

  function facts(gpu, answer, python) {
    const best = answer.pip || answer.conda;
    const size = answer.pipLock && answer.pip && answer.pipLock.sizes[python];
    const rows = [
      [say.capability, `${data.capabilities[gpu.capability]} (${gpu.architecture})`],
      [say.runs_as, fill(best.code.startsWith("sm") ? "sass" : "ptx", { code: best.code })],
      [say.driver_floor, /^\d/.test(best.floor) ? best.floor : ""],
      [say.download, size ? fill("size", { size: (size / 1000).toFixed(1) }) : ""],
    ];
    return node("dl", { class: "facts" }, ...rows.filter(([, value]) => value).map(([name, value]) => node("div", {}, node("dt", {}, name), node("dd", {}, value))));
  }

  // What is decided for: the typed driver, or the newest that serves the card.
  function driverOf(gpu, platform) {
    const jetpacks = finder.jetpacks(gpu.capability, platform);
    $("driver-part").hidden = jetpacks.length > 0;
    $("jetpack-part").hidden = !jetpacks.length;
    if (jetpacks.length) {
      const before = $("jetpack").value;
      $("jetpack").replaceChildren(...jetpacks.reverse().map((name) => node("option", {}, name)));
      select("jetpack", before, jetpacks[0]);
      return { driver: $("jetpack").value, given: true };
    }
    const text = $("driver").value.trim();
    const given = finder.driverIn(text);
    const assumed = data.assumed[platform][gpu.capability] || "999.0";
    if (!text) return { driver: assumed, given: false };
    if (!given) return { wrong: /^(?:cuda\s*)?(?:1\d|[7-9])(?:\.\d+)*$/i.test(text) ? "driver_is_cuda" : "driver_unread" };
    if (platform === "win-64" && given.split(".").length > 2) return { wrong: "driver_of_linux" };
    if (platform !== "win-64" && !finder.inWsl(given)) return { wrong: "driver_of_windows" };
    if ($("update").checked) return { driver: assumed, given: false, old: given };
    return { driver: given, given: true };
  }

  function found(gpu, answer, platform, python, driver) {
    const best = answer.pip || answer.conda;
    const torch = `${best.torch} (CUDA ${best.tag.slice(2, -1)}.${best.tag.slice(-1)})`;
    const panels = { ...(answer.pip ? pipLines(answer.pip, platform, python) : {}), ...(answer.conda ? condaLines(answer.conda, python) : {}) };
    const made = [
      paragraph(answer.pip ? say.verdict_runs : say.verdict_conda, "verdict good"),
      node("h2", {}, fill(answer.pip ? "runs" : "runs_conda", { gpu: gpu.name, torch })),
      facts(gpu, answer, python),
    ];
    if (driver.old) made.push(paragraph(fill("update_first", { driver: driver.old, floor: best.floor }), "note"));
    else if (!driver.given) made.push(paragraph(fill("assumed", { driver: driver.driver, floor: best.floor }), "note"));
    if (answer.newer) made.push(paragraph(fill("newer", answer.newer), "note"));
    made.push(node("h3", {}, say.step_install), tabs(panels), paragraph(fill("no_python", { python })), paragraph(say.no_toolkit));
    made.push(node("h3", {}, say.step_check), node("p", {}, node("a", { href: `${root}smoke_test.py`, download: "" }, "smoke_test.py"), ` ${say.smoke}`));
    made.push(paragraph(say.vscode));
    made.push(node("h3", {}, say.step_lock), locks(answer, platform, python));
    const notices = [...new Set(answer.notices)].filter((code) => say[`notice.${code}`]);
    if (notices.length) made.push(node("h3", {}, say.step_know), node("ul", {}, ...notices.map((code) => node("li", {}, say[`notice.${code}`]))));
    return made;
  }

  function nothing(gpu, answer, driver) {
    const made = [paragraph(say.verdict_nothing, "verdict bad"), node("h2", {}, fill("nothing", { gpu: gpu.name }))];
    if (answer && answer.reason) made.push(paragraph(fill(`reason.${answer.reason}`, { gpu: gpu.name, driver: driver.driver, capability: data.capabilities[gpu.capability] })));
    if (answer && answer.newer) made.push(paragraph(fill("newer_only", answer.newer), "note"));
    for (const code of answer ? answer.notices : []) if (say[`notice.${code}`]) made.push(paragraph(say[`notice.${code}`]));
    return made;
  }

  function showGpu(gpu) {
    const before = $("platform").value;
    if (gpu.home && before !== gpu.home) $("platform").value = gpu.home;
    const platform = $("platform").value, python = $("python").value;
    const driver = driverOf(gpu, platform);
    writeAddress();
    if (driver.wrong) return $("answer").replaceChildren(node("p", { role: "alert" }, fill(driver.wrong, { driver: $("driver").value.slice(0, 60) })));
    const answer = finder.answer(gpu.capability, platform, python, driver.driver);
    const made = answer && (answer.pip || answer.conda) ? found(gpu, answer, platform, python, driver) : nothing(gpu, answer, driver);
    if (before !== platform) made.splice(2, 0, paragraph(fill("home", { gpu: gpu.name, platform: say[platform] }), "note"));
    const capability = data.capabilities[gpu.capability];
    const same = finder.gpus.filter((other) => other.name === gpu.name).length > 1;
    const page = `gpu/${tokens(gpu.name).join("-")}${same ? `-${capability.replace(".", "-")}` : ""}.html`;
    made.push(node("p", {}, node("a", { href: page }, fill("page_gpu", { gpu: gpu.name }))));
    $("answer").replaceChildren(node("article", { class: "card" }, ...made));
    document.title = `${gpu.name} – ${say.title}`;
  }

  function choices(list, text, after = []) {
    const buttons = list.slice(0, 40).map((at) => {
      const gpu = finder.gpus[at];
      const button = node("button", { type: "button" }, `${gpu.name} (${data.capabilities[gpu.capability]})`);
      button.addEventListener("click", () => {
        chosen = data.capabilities[gpu.capability];
        $("gpu").value = gpu.name;
        pasted = "";
        showGpu(gpu);
        $("gpu").focus();
      });
      return node("li", {}, button);
    });
    $("answer").replaceChildren(paragraph(text), node("ul", { class: "choices" }, ...buttons), ...after);
  }

  function readPasted(text) {
    if (pasted && $("driver").value === pasted && !text.includes(pasted)) $("driver").value = pasted = "";
    const driver = finder.driverIn(text);
    if (!driver || driver === text.trim() || $("driver").value) return;
    $("driver").value = pasted = driver;
    if (driver.split(".").length > 2 && $("platform").value === "win-64") $("platform").value = "linux-64";
    else if (/wddm|ven_10de/i.test(text)) $("platform").value = "win-64";
  }

  function show() {
    const text = $("gpu").value;
    if (!text.trim()) return $("answer").replaceChildren();
    readPasted(text);
    const answer = finder.find(text);
    const one = chosen && answer.list && answer.list.find((at) => data.capabilities[finder.gpus[at].capability] === chosen);
    if (answer.state === "found") return showGpu(finder.gpus[answer.at]);
    if (one !== undefined && one !== "" && answer.state === "ask") return showGpu(finder.gpus[one]);
    writeAddress();
    if (answer.state === "ask") return choices(answer.list, say.ask);
    if (answer.state === "several") {
      const names = answer.list.map((at) => `--gpu "${finder.gpus[at].name}"`).join(" ");
      const driver = finder.driverIn($("driver").value);
      const command = `uvx cuda-envgen ${names} --platform ${$("platform").value} --python ${$("python").value}${driver ? ` --driver ${driver}` : ""}`;
      return choices(answer.list, say.several, [paragraph(say.several_together), block(command, say.install)]);
    }
    const near = answer.state === "unknown" ? finder.suggest(text) : [];
    if (near.length) return choices(near.map((gpu) => finder.gpus.indexOf(gpu)), say.near);
    return $("answer").replaceChildren(node("p", { role: "alert" }, say[answer.state]));
  }

  function detect() {
    const gl = document.createElement("canvas").getContext("webgl");
    const info = gl && gl.getExtension("WEBGL_debug_renderer_info");
    const name = String((gl && gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER)) || "");
    const clear = /nvidia|geforce|quadro|[rg]tx/i.test(name) && !/or similar/i.test(name);
    if (!clear) return $("answer").replaceChildren(node("p", { role: "alert" }, fill("detect_hidden", { name: name ? ` (${name.slice(0, 120)})` : "" })));
    $("gpu").value = name;
    chosen = "";
    return show();
  }

  readAddress();
  let waiting = 0;
  $("gpu").addEventListener("input", () => {
    chosen = "";
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      $("names").replaceChildren(...finder.suggest($("gpu").value).map((gpu) => node("option", { value: gpu.name })));
      show();
    }, 60);
  });
  for (const id of ["driver", "jetpack", "platform", "python", "update"]) $(id).addEventListener("change", show);
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
