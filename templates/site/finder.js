// The finder: normalise, exact key, PCI id, whole-word scan; then the answer's row. It decides nothing: every answer in
// DATA was made by the same program that the command line runs.
(() => {
  "use strict";

  const tokens = (text) =>
    (text
      .toLowerCase()
      .replace(/\((?:r|tm|c)\)|[®™©]/g, " ") // before NFKC, which makes letters of them
      .normalize("NFKC")
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
    const leading = new Set(["nvidia", ...data.leading]);
    const coreOf = (name) => {
      const words = tokens(name);
      while (words.length > 1 && leading.has(words[0])) words.shift();
      return words.join("");
    };
    const gpus = data.gpus.flatMap((group, capability) => group.map((line) => {
      const [name, keys, pci] = line.split("|");
      return { name, capability, architecture: data.architectures[capability], keys, pci, home: "" };
    }));
    for (const [platform, list] of Object.entries(data.homes)) for (const at of list) gpus[at].home = platform;
    const keys = new Map(), devices = new Map();
    const add = (map, key, at) => map.set(key, [...(map.get(key) || []), at]);
    let before = "";
    gpus.forEach((gpu, at) => {
      for (const packed of gpu.keys ? gpu.keys.split(" ") : []) {
        const [, core, mark, mask] = packed.match(/^(\w*)([:+]?)(.*)$/);
        const own = core || coreOf(gpu.name);
        const around = { ":": data.leading.map((front) => front + own), "+": data.endings.map((end) => own + end) }[mark] || [own];
        around.forEach((key, bit) => { if (!mark || (parseInt(mask, 16) >> bit) & 1) add(keys, key, at); });
      }
      for (const short of gpu.pci ? gpu.pci.split(" ") : []) {
        before = short.length < 4 ? before.slice(0, 2) + short : short;
        add(devices, before, at);
      }
    });
    const chips = new Set(data.chips);
    const changing = new Set(data.changing), vendors = new Set(data.vendors);
    // A name without its line's word is a phone's or a printer's, too, unless the text speaks of GPUs.
    const line = new RegExp(data.line);
    const filler = new Set([...data.loose, ...data.context].filter((word) => word.length > 1));
    const isFiller = (word) => filler.has(word) || /^(?:\d+gb?|sxm\d?|pcie|x\d+)$/.test(word);
    const context = new Set(data.context.filter((phrase) => !phrase.includes(" ")));
    const speaks = /^(?:nvidia|geforce|quadro|tesla|gpus?|gres|colab|kaggle|slurm|cuda)$/;
    const spaced = (text) => ` ${text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ")} `;
    const denies = (text) => {
      const plain = spaced(text);
      return data.compare.some((phrase) => plain.includes(` ${phrase} `)) || /[<>≥≤]|\d\+|-class\b|아님|이상|以上|不是|(?<!\p{L})не(?!\p{L})|или/u.test(text);
    };
    const otherScript = /[^\u0000-\u007f\u00ae\u2122]/;
    const isWeak = (key, words, text, from = 0, size = words.length) => {
      if (/^(?:nvidia)?\d+$|^(?:gtx)?titan$/.test(key)) return words.length > size;
      if (line.test(key) || chips.has(key.replace(/(?<=\d)[a-z]{1,3}$/, ""))) return false;
      const others = words.filter((_, at) => at < from || at >= from + size);
      if (/nvidia|geforce|quadro|tesla/.test(key) || others.some((word) => speaks.test(word) || context.has(word))) return false;
      return otherScript.test(text) || !others.every(isFiller);
    };
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
      if (device && device.length) return settle(device);
      if (device) return { state: tokens(text).some((word) => vendors.has(word)) ? "vendor" : "unknown" };
      // Direct3D's shader models (vs_5_0) are no "versus", `8x H100` is a H100, and other scripts have their words.
      text = text.slice(0, 20000).replace(/\b[vp]s_\d_\d\b|\(rev \w+\)|\b\d{1,2} ?x ?(?=[a-z]+\d{1,4})/gi, " ").toLowerCase();
      for (const [word, latin] of data.replace) text = text.replaceAll(word, ` ${latin} `);
      const words = tokens(text);
      if (!words.length) return { state: "unknown" };
      if (/or similar|graphics device/i.test(text)) return { state: "changed" };
      const own = words.filter((word) => word !== "nvidia").join("").replace(/^nvidia/, "");
      const whole = keys.get(words.join("")) || keys.get(own);
      if (whole && !denies(text) && !words.slice(1).some((word) => /^00+$/.test(word)) && !(otherScript.test(text) && isWeak(own, words, text))) return settle(whole);
      if (words.length < 12) {
        const lowered = text.trim().toLowerCase();
        const machine = machines.find(({ pattern }) => pattern.test(lowered));
        if (machine) return settle([machine.gpu]);
      }
      if (words.some((word) => vendors.has(word))) {
        // Of a list (Intel UHD 630 + GeForce GTX 1650) NVIDIA's part alone is read.
        const pieces = text.split(/ \+ | & | \/ |[,;|]/);
        const own = pieces.filter((piece) => !tokens(piece).some((word) => vendors.has(word)) && /nvidia|geforce|quadro|[rg]tx/i.test(piece));
        if (own.length && own.length < pieces.length) return find(own.join(" , "));
      }
      return scan(words.slice(0, 4000), text);
    }

    function scan(words, text) {
      const taken = new Array(words.length).fill(false), found = [], spans = [];
      for (let size = Math.min(8, words.length); size; size -= 1) {
        for (let from = 0; from + size <= words.length; from += 1) {
          if (taken.slice(from, from + size).some(Boolean)) continue;
          const key = words.slice(from, from + size).join("");
          const glued = words.slice(from, from + size).some((word) => word.length > 16); // a phrase without its spaces
          const named = glued ? null : keys.get(key);
          const weak = named && isWeak(key, words, text, from, size);
          if (weak && size > 1) taken.fill(true, from, from + size); // a part of it is no better
          if (named && !weak) {
            found.push(named);
            spans.push(key);
            taken.fill(true, from, from + size);
          }
        }
      }
      const rest = words.filter((_, at) => !taken[at]);
      if (!found.length) return { state: rest.some((word) => vendors.has(word)) ? "vendor" : "unknown" };
      // A chip's codename decides whatever is said beside it.
      const several = found.every((named) => new Set(named.map((at) => gpus[at].capability)).size === 1);
      const chip = words.some((word, at) => taken[at] && chips.has(word.replace(/(?<=\d)[a-z]{1,3}$/, "")));
      if (chip && !denies(text)) return settle([...new Set(found.flat())], several);
      const unnamed = words.some((word, at) => !taken[at] && !taken[at + 1] && /^(?:[rg]tx|gts|gt)\d{0,4}$/.test(word) && /\d{3}/.test(word + (words[at + 1] || "")));
      const cut = unnamed || words.some((word, at) => /^00+$/.test(word) && taken[at - 1]);
      // A laptop's card of the same number, where there is one of the same capability.
      const inLaptop = spans.every((key, at) => /^(?:nvidia)?(?:geforce)?mx\d|\dm$/.test(key) ||
        ["laptop", "mobile"].some((word) => (keys.get(key + word) || []).some((gpu) => gpus[gpu].capability === gpus[found[at][0]].capability)));
      const beside = cut || words.some((word, at) => !taken[at] && changing.has(word) && !(word === "laptop" && inLaptop) && (taken[at - 1] || (taken[at + 1] && word.length > 1)));
      const short = words.length < 40;
      const architectures = rest.filter((word) => data.archs.includes(word));
      const other = architectures.some((word) => found.flat().some((at) => !gpus[at].architecture.toLowerCase().startsWith(word)));
      const model = words.length < 12 && rest.some((word) => data.brands.includes(word) || (/^\d{4}$/.test(word) && keys.has(word)));
      if (beside || (short && denies(text)) || other || model || rest.some((word) => vendors.has(word))) return { state: "changed" };
      return settle([...new Set(found.flat())], several);
    }

    // "several": whole names of different GPUs; "ask": one name that can mean any of them.
    function settle(list, several) {
      if (!list.length) return { state: "unknown" };
      const kinds = new Set(list.map((at) => gpus[at].capability));
      return kinds.size === 1 ? { state: "found", at: list[0], list } : { state: several ? "several" : "ask", list };
    }

    const lineOf = (capability, platform, python) => data.lines[data.rows[platform][capability][data.pythons.indexOf(python)]] || "";
    const entriesIn = (line) => line.split(",").filter(Boolean).map((entry) => {
      const [since, at] = entry.split(":");
      return { since, at: Number(at) };
    });
    const entriesOf = (capability, platform, python) => entriesIn(lineOf(capability, platform, python));
    const wsl = entriesIn(data.wsl);
    const jetpacks = (capability, platform) =>
      entriesOf(capability, platform, data.pythons[0]).map(({ since }) => since).filter((since) => since.startsWith("JetPack"));

    // `560.94` is a driver, `560` a branch (an entry of its own begins with "="), `JetPack 6.2` a Jetson's release.
    function answer(capability, platform, python, driver) {
      const branch = platform === "win-64" ? driver : inWsl(driver);
      if (!branch) return null;
      const entries = entriesOf(capability, platform, python);
      const taken = upTo(entries, branch);
      if (!taken) return null;
      const found = unpack(taken.at);
      if (branch === driver) return { ...found, newer: newer(found, stepped(entries), full(branch)) };
      // In WSL every driver that is named is one of Windows.
      const own = answer(capability, "win-64", python, driver) || {};
      const same = (one, other) => one && other && one.torch === other.torch && one.tag === other.tag;
      const ours = (one, other) => one && { ...one, floor: same(one, other) ? other.floor : "" };
      const alike = same(found.pip || found.conda, own.pip || own.conda);
      return { ...found, pip: ours(found.pip, own.pip), conda: ours(found.conda, own.conda), newer: alike ? own.newer : null };
    }
    // What WSL shows is a driver of Windows: its branch on Linux, "" where it has no CUDA there. Others stay as they are.
    function inWsl(driver) {
      if (!/^\d+(\.\d+)?$/.test(driver)) return driver;
      const own = upTo(wsl.filter(({ since }) => parts(since.replace("=", ""))[0] === parts(driver)[0]), driver);
      return own ? String(own.at || "") : driver;
    }
    const stepped = (entries) => entries.filter(({ since }) => /^\d/.test(since));
    const full = (driver) => (driver.includes(".") ? driver : `${driver}.999999`);
    // The entry that holds for a driver: its own, or the last that is not newer; of a bare branch, the last in it.
    const upTo = (entries, driver) =>
      entries.find(({ since }) => since === (driver.startsWith("JetPack") ? driver : `=${driver}`)) ||
      stepped(entries).filter(({ since }) => compare(since, full(driver)) <= 0).pop();

    // The first newer release that a later driver gives, with the driver that surely gives it.
    function newer(now, entries, driver) {
      const later = entries.filter(({ since }) => compare(since, driver) > 0).map(({ at }) => unpack(at).pip).filter(Boolean);
      const first = later.find((pip) => !now.pip || compare(pip.torch, now.pip.torch) > 0);
      return first ? { driver: later.filter((pip) => pip.torch === first.torch && pip.tag === first.tag).pop().floor, torch: first.torch } : null;
    }

    const pairing = (at) => {
      if (at < 0) return null;
      const [torch, tag, code, floor, source, vision, specs] = data.pairings[at];
      return { torch, tag, code, floor, source, vision, specs: specs.split("\t") };
    };
    function unpack(at) {
      const [pip, conda, pipLock, condaLock, remark] = data.answers[at];
      const codes = data.remarks[remark].split(" ").filter(Boolean);
      const reason = pip < 0 && conda < 0 ? codes.shift() : "";
      const lock = (position) => (position < 0 ? null : { folder: data.locks[position], sizes: data.sizes[position] });
      return { pip: pairing(pip), conda: pairing(conda), pipLock: lock(pipLock), condaLock: lock(condaLock), reason, notices: codes };
    }

    // A driver in a pasted text: nvidia-smi's banner, Windows' four fields, or the number or branch alone.
    function driverIn(text) {
      const banner = text.match(/(?:driver|kmd) version\s*[:=|]?\s*(\d{3}\.\d{1,3}(?:\.\d{1,3})?)/i);
      if (banner) return banner[1];
      const fields = text.match(/(?<![\d.])(?:3\d\.\d{1,2}|\d{1,2}\.21|\d{1,2}\.1[578])\.\d(\d)\.(\d{1,4})(?![\d.])/);
      if (fields) {
        const digits = fields[1] + fields[2].padStart(4, "0");
        return digits[0] === "0" ? "" : `${digits.slice(0, 3)}.${digits.slice(3)}`;
      }
      const plain = text.trim().match(/^[rv]?(\d{3}(?:\.\d{1,3}(?:\.\d{1,2})?)?)$/i) || text.trim().match(/^nvidia-driver-(\d{3})(?:-(?:open|server))*$/i);
      return plain && plain[1][0] !== "0" ? plain[1] : "";
    }

    const suggest = (text) => {
      const words = tokens(text).filter((word) => word !== "nvidia");
      if (!words.length) return [];
      return gpus.filter((gpu) => {
        const own = tokens(gpu.name);
        return words.every((word) => own.some((part) => part.startsWith(word)) || own.join("").includes(words.join("")));
      }).slice(0, 8);
    };

    return { gpus, find, keys, answer, inWsl, jetpacks, driverIn, suggest, tokens, compare };
  }

  globalThis.envgenFinder = { makeFinder, tokens, compare };
})();
