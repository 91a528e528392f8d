"""The look-up against expectations that were written down from sources, not from the catalog.

Sources: NVIDIA's CUDA GPU list, the CUDA programming guide, pci.ids, NVIDIA's open kernel modules and TechPowerUp, as
`sources.csv` names them. Each table is one rule of reading a GPU's name.
"""

from __future__ import annotations

import pytest

from envgen.core.gpus import MatchKind
from gpus.gpu_catalog import ask, catalog

# Each device id names one chip. (pci.ids; NVIDIA's open kernel modules)
PCI_FORMS = {
    "10de:2d04": "12.0",
    "[10de:2d04]": "12.0",
    "10DE:2D04": "12.0",
    r"PCI\VEN_10DE&DEV_2D04&SUBSYS_205E1028&REV_A1": "12.0",
    "0x2d0410de": "12.0",
    "Device 2d04": "12.0",
    "2d04": "12.0",
    "0x10de 0x2204": "8.6",
    "pci:v000010DEd00002204sv000010DEsd00001455bc03sc00i00": "8.6",
    "10de:1f97": "7.5",
    "10de:1140": "2.1",  # GF117, under every name that shares it
    "10de:11c7": "3.0",  # GK106, a rare GTX 750 Ti
    "10de:0fc5": "3.0",  # GK107, a rare GT 1030
    "10de:1281": "3.5",
    "10de:0f02": "2.1",
    "10de:3182": "10.3",
    "10de:ffff": "unknown",
}

LSPCI = {
    "01:00.0 VGA compatible controller [0300]: NVIDIA Corporation GA102 [GeForce RTX 3090] [10de:2204] (rev a1)": "8.6",
    "01:00.0 VGA compatible controller: NVIDIA Corporation GA102 [GeForce RTX 3090] (rev a1)": "8.6",
    "0000:01:00.0 3D controller: NVIDIA Corporation GK208BM [GeForce 920M] (rev a1)": "3.5",
    "01:00.0 3D controller: NVIDIA Corporation GM206GLM [Quadro M2200 Mobile] (rev a1)": "5.2",
    "01:00.0 VGA compatible controller: NVIDIA Corporation GA104M [GeForce RTX 3070 Mobile / Max-Q] (rev a1)": "8.6",
    "NVIDIA Corporation Device 2d04 (rev a1)": "12.0",
    "GK208B [GeForce GT 730]": "3.5",
    "GF108 [GeForce GT 730]": "2.1",
    "GK104M [GeForce GTX 860M]": "3.0",
    "GM107M [GeForce GTX 860M]": "5.0",
    "GK107 [GeForce GT 1030]": "3.0",
    "GF117M [GeForce 610M/710M/810M/820M / GT 620M/625M/630M/720M]": "2.1",
    "GB112 [no name]": "unknown",
}

# The whole codename counts, never its family. (NVIDIA's CUDA GPU list by chip)
CHIPS = {
    "GA100": "8.0",
    "GA102": "8.6",
    "GA10B": "8.7",
    "GB100": "10.0",
    "GB110": "10.3",
    "GB10B": "11.0",
    "GB202": "12.0",
    "GB20B": "12.1",
    "GK104": "3.0",
    "GK110": "3.5",
    "GK208": "3.5",
    "GK210": "3.7",
    "GK20A": "3.2",
    "GM107": "5.0",
    "GM200": "5.2",
    "GM20B": "5.3",
    "GP100": "6.0",
    "GP104": "6.1",
    "GP10B": "6.2",
    "GV100": "7.0",
    "GV10B": "7.2",
    "TU117": "7.5",
    "AD107": "8.9",
    "GH100": "9.0",
    "GR100": "10.7",
    "GR102": "unknown",
    "GB120": "unknown",
}

OTHER_VENDORS = {
    "Radeon RX 580": "AMD",
    "RX 580": "AMD",
    "RX580": "AMD",
    "AMD Radeon(TM) Graphics": "AMD",
    "AMD Instinct MI300X": "AMD",
    "Instinct MI300": "AMD",
    "ATI FirePro W5000": "AMD",
    "Vega 64": "AMD",
    "gfx1100": "AMD",
    "라데온 RX 6600": "AMD",
    "1002:73bf": "AMD",
    r"PCI\VEN_1002&DEV_73BF": "AMD",
    "Arc A770": "Intel",
    "Intel(R) Arc(TM) A380 Graphics": "Intel",
    "Intel(R) Iris(R) Xe Graphics": "Intel",
    "UHD Graphics 630": "Intel",
    "8086:56a0": "Intel",
    "Apple M3": "Apple",
    "M2 Max": "Apple",
    "Adreno (TM) 640": "Qualcomm",
    "Mali-G78": "Arm",
    "Microsoft Basic Display Adapter": "a virtual or software adapter",
    "llvmpipe (LLVM 15.0.7, 256 bits)": "a virtual or software adapter",
    "VMware SVGA II Adapter": "a virtual or software adapter",
    "Red Hat, Inc. Virtio GPU": "a virtual or software adapter",
    "ASPEED Technology, Inc. ASPEED Graphics Family [1a03:2000]": "a server management chip",
}

# Number traps: another vendor's number must not become an NVIDIA GPU, nor the other way round.
NOT_OTHER_VENDORS = {"GTX 580": "2.0", "RTX A2000": "8.6", "Tesla M6": "5.2", "Quadro M4000": "5.2", "GTX 770": "3.0"}

SPELLINGS = {
    "NVIDIA(R) GeForce(TM) RTX 3060": "8.6",
    "NVIDIA® GeForce™ RTX 3060": "8.6",
    "ＲＴＸ　３０９０": "8.6",
    "NVIDIA Corporation GeForce RTX 3060": "8.6",
    "엔비디아 지포스 RTX 3060": "8.6",
    "지포스 RTX 4060 노트북": "8.9",
    "쿼드로 P4000": "6.1",
    "지포스 GTX 1660 슈퍼": "7.5",
    "MSI 지포스 RTX 5070 벤투스 2X OC D7 12GB": "12.0",
    "RTX 4060 笔记本电脑": "8.9",
    "RTX 6000Ada": "8.9",
    "RTX PRO 6000 WS": "12.0",
    "Q RTX 8000": "7.5",
    "A800 80GB": "8.0",
    "H100 SXM": "9.0",
    "Quadro 6000 RTX": "7.5",  # the same words in another order
    "ASUS TUF Gaming GeForce RTX 3080 OC": "8.6",
    "MSI GeForce RTX 4070 Ti SUPER 16G VENTUS 3X OC": "8.9",
    "Gigabyte GeForce RTX 5070 WINDFORCE OC 12G": "12.0",
    "EVGA GeForce GTX 1080 Ti FTW3": "6.1",
    "ZOTAC GAMING GeForce RTX 3060 Twin Edge OC": "8.6",
    "Palit GeForce RTX 3070 JetStream": "8.6",
    "GeForce RTX 3090 Founders Edition": "8.6",
    "GeForce GTX 1660 (rev a1)": "7.5",
    "GPU 0: NVIDIA GeForce RTX 3090 (UUID: GPU-8a6e2c8a-1b6f-9c8e-9a9b-0123456789ab)": "8.6",
    "|   0  NVIDIA GeForce RTX 3090        Off |   00000000:01:00.0 Off |                  N/A |": "8.6",
    "|   0  Tesla P100-PCIE...  Off  | 00000000:00:04.0 Off |                    0 |": "6.0",
    "NVIDIA GeForce RTX 3060/PCIe/SSE2": "8.6",
    "ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 (0x00002504) Direct3D11 vs_5_0 ps_5_0, D3D11)": "8.6",
    "NVIDIA GeForce RTX 3090 00000000:01:00.0": "8.6",
    "GeForce_RTX-3090": "8.6",
    "rtx 5060 ti 16 GB": "12.0",
    "RTX 5060 Ti 16GB": "12.0",
    "gtx1080ti": "6.1",
    "rtx4070tisuper": "8.9",
    "3090ti": "8.6",
    "1660s": "7.5",
    "4080S": "8.9",
    "2070s": "7.5",
    "1080": "6.1",  # the name, although 10de:1080 is the GTX 580
    "nvidia-tesla-t4": "7.5",
    "nvidia-h100-80gb": "9.0",
    "8x A100": "8.0",
}

# Whole tokens, never prefixes. (NVIDIA's CUDA GPU list; pci.ids)
WHOLE_TOKENS = {
    "P4": "6.1",
    "P40": "6.1",
    "P400": "6.1",
    "P4000": "6.1",
    "P100": "6.0",
    "P1000": "6.1",
    "T4": "7.5",
    "T400": "7.5",
    "T4000": "11.0",
    "A2": "8.6",
    "A10": "8.6",
    "A100": "8.0",
    "A1000": "8.6",
    "A2000": "8.6",
    "A4000": "8.6",
    "L4": "8.9",
    "L40": "8.9",
    "L40S": "8.9",
    "T4 00": "unknown",
    "RTX 50900": "unknown",
    "RTX 309": "unknown",
}

# The letter in front of the number decides.
LETTERS = {
    "Quadro 4000": "2.0",
    "Quadro 2000": "2.1",
    "Quadro 4000M": "2.1",
    "Quadro K4000": "3.0",
    "Quadro K6000": "3.5",
    "Quadro M4000": "5.2",
    "Quadro P4000": "6.1",
    "Quadro RTX 4000": "7.5",
    "RTX A4000": "8.6",
    "RTX 4000 Ada": "8.9",
    "RTX 4000 Ada Generation": "8.9",
    "RTX 4000 SFF Ada Generation": "8.9",
    "RTX PRO 4000 Blackwell": "12.0",
    "RTX 3000": "7.5|8.9|12.0",
    "RTX 4000": "7.5|8.9|12.0",
    "RTX 5000": "7.5|8.9|12.0",
    "RTX 6000": "7.5|8.9|12.0",
    "RTX 5000 Mobile": "7.5|8.9|12.0",
    "RTX 4500": "8.9|12.0",
    "RTX 2000": "8.9|12.0",
    "RTX 8000": "7.5",
    "Titan X": "5.2|6.1",
    "NVIDIA TITAN X": "5.2|6.1",
    "GeForce GTX TITAN X": "5.2",
    "NVIDIA TITAN X (Pascal)": "6.1",
    "RTX 6000D": "12.0",
    "V100S": "7.0",
    "GeForce 6000": "unknown",
    "GTX 4090": "8.9",  # the number is that of one line only
    "RTX 4900": "unknown",
}

SUFFIXES = {
    "920M": "3.5",
    "920MX": "5.0",
    "GTX 675M": "2.1",
    "GTX 675MX": "3.0",
    "GTX 670M": "2.1",
    "GTX 670MX": "3.0",
    "RTX 3060 Laptop GPU": "8.6",
    "RTX 3060 Mobile": "8.6",
    "RTX 3060 노트북": "8.6",
    "RTX 3060M": "8.6",
    "GTX 1060M": "6.1",
    "RTX 2080 Max-Q": "7.5",
    "RTX 2080 with Max-Q Design": "7.5",
    "RTX PRO 6000 Blackwell Max-Q Workstation Edition": "12.0",
    "GTX 1080 Ti laptop": "6.1",
}

TRAPS = {
    "RTX 2050": "8.6",
    "MX570": "8.6",
    "RTX 3050 A Laptop GPU": "8.9",
    "RTX 3050 Laptop GPU": "8.6",
    "GTX 1630": "7.5",
    "GTX 1650": "7.5",
    "GTX 1660 Ti": "7.5",
    "MX550": "7.5",
    "MX450": "7.5",
    "MX350": "6.1",
    "MX330": "6.1",
    "MX250": "6.1",
    "MX230": "6.1",
    "MX150": "6.1",
    "MX130": "5.0",
    "MX110": "5.0",
    "GeForce 910M": "3.5",
    "GeForce GT 705": "2.1",
    "Quadro M5000M": "5.2",
    "Quadro M620": "5.0",
    "Quadro K2200M": "5.0",
    "B300": "10.3",
    "GB10": "12.1",
    "RTX 5090": "12.0",
}

SAME_NAME = {
    "GeForce GT 640": "2.1|3.0|3.5",
    "GT 640 GDDR5": "3.5",
    "GT 640 DDR3": "3.0",
    "GT 640 OEM": "2.1|3.0",  # pci.ids has two: 0fc0 on GK107 and 124b on GF116
    "GT 630": "2.1|3.0|3.5",
    "GT 630 Rev. 2": "3.5",
    "GT 630 v2": "3.5",
    "GT 730": "2.1|3.0|3.5",
    "GT 730 2GB": "2.1|3.0|3.5",
    "GT 730 GDDR5": "3.5",
    "GT 730 DDR3 128-bit": "2.1",
    "GTX 750": "5.0|5.2",
    "GTX 750 v2": "5.2",
    "GTX 860M": "3.0|5.0",
    "GTX 860M Maxwell": "5.0",
    "GTX 560 Ti 448 Cores": "2.0",
    "GT 1030": "6.1",
    "GTX 750 Ti": "5.0",
    "GTX 1060 OEM": "6.1",
    "RTX 3080 Ti 12GB GDDR6X": "8.6",
}

VIRTUAL = {
    "NVIDIA A10-8Q": "8.6",
    "A10-1B": "8.6",
    "GRID A100X-10C": "8.0",
    "A100X-10C": "8.0",
    "GRID A100DX-1-10C": "8.0",
    "A30-2-12CME": "8.0",
    "GRID V100DX-16Q": "7.0",
    "GRID T4-1B4": "7.5",
    "GRID RTX T10-8": "7.5",
    "GRID RTX6000P-4Q": "7.5",
    "NVIDIA RTXA6000-48Q": "8.6",
    "RTX6000-Ada-48Q": "8.9",
    "NVIDIA RTX 5880-Ada-12Q": "8.9",
    "NVIDIA H100XM-80C": "9.0",
    "NVIDIA GH200L-144C": "9.0",
    "NVIDIA B300X-269C": "10.3",
    "A10M": "8.6",
    "A10G": "8.6",
    "A100X": "8.0",
    "GRID M40": "5.0",
    "Tesla M40": "5.2",
    "M40": "5.2",
    "M6": "5.2",
    "NVIDIA A100-SXM4-40GB MIG 1g.5gb": "8.0",
    "NVIDIA-H100-80GB-HBM3-MIG-1g.10gb": "9.0",
    "MIG 1g.10gb": "unknown",
}

SYSTEMS = {
    "DGX Spark": "12.1",
    "NVIDIA GB10": "12.1",
    "Orin": "8.7",
    "Orin (nvgpu)": "8.7",
    "NVIDIA Thor": "11.0",
    "IGX Orin": "8.7",
    "IGX Thor": "11.0",
    "Jetson Nano": "5.3",
    "Jetson Orin Nano": "8.7",
    "Jetson Orin Nano Developer Kit": "8.7",
    "Nano": "5.3|8.7",
    "NX": "7.2|8.7",
    "Jetson Xavier NX": "7.2",
    "NVIDIA Tegra X1 (nvgpu)/integrated": "5.3",
}

TABLES = {
    "pci": PCI_FORMS,
    "lspci": LSPCI,
    "chip": CHIPS,
    "vendor": OTHER_VENDORS,
    "not-vendor": NOT_OTHER_VENDORS,
    "spelling": SPELLINGS,
    "token": WHOLE_TOKENS,
    "letter": LETTERS,
    "suffix": SUFFIXES,
    "trap": TRAPS,
    "same-name": SAME_NAME,
    "virtual": VIRTUAL,
    "system": SYSTEMS,
}
RULES = [pytest.param(t, e, id=f"{rule}: {t[:60]}") for rule, table in TABLES.items() for t, e in table.items()]


@pytest.mark.parametrize(("text", "expected"), RULES)
def test_rule(text: str, expected: str) -> None:
    assert ask(text) == expected


def test_a_codename_narrows_the_chip_of_the_answer() -> None:
    gpu = catalog().match("GK208B [GeForce GT 730]").gpu
    assert gpu is not None
    assert (gpu.name, gpu.chip) == ("GeForce GT 730", "GK208")


@pytest.mark.parametrize("name", ["Thor", "Jetson AGX Thor", "Jetson T5000", "Jetson T4000", "DRIVE AGX Thor"])
def test_thor_is_11_0_and_10_1_before_cuda_13(name: str) -> None:
    match = catalog().match(name)
    assert match.gpu is not None
    assert (str(match.gpu.capability), str(match.gpu.renumbered)) == ("11.0", "10.1")
    assert f"{name}: CUDA 12.8 and 12.9 call it 10.1, CUDA 13.0 and later 11.0" in match.notes


def test_a_rare_namesake_is_mentioned() -> None:
    rare = "3.0 (GK107, PCI id 0fc5: a rarity that is in no NVIDIA driver list)"
    expected = f"GeForce GT 1030 is taken as 6.1; a rare card of that name is {rare}"
    assert catalog().match("GeForce GT 1030").notes == (expected,)


@pytest.mark.parametrize(
    ("text", "may_agree"),
    [
        ("GT 730", True),
        ("GTX 860M", True),
        ("GT 640 OEM", True),
        ("RTX 4000", False),
        ("Titan X", False),
        ("NX", False),
    ],
)
def test_only_one_name_for_several_gpus_may_be_settled_by_an_equal_pairing(text: str, may_agree: bool) -> None:
    match = catalog().match(text)
    assert match.kind is MatchKind.AMBIGUOUS
    assert match.may_agree is may_agree


def test_candidates_say_how_to_tell_them_apart() -> None:
    match = catalog().match("RTX 4000")
    assert [(c.name, str(c.capability)) for c in match.candidates] == [
        ("Quadro RTX 4000", "7.5"),
        ("RTX 4000 Ada Generation", "8.9"),
        ("RTX PRO 4000 Blackwell", "12.0"),
    ]
    assert all(candidate.detail for candidate in match.candidates)
    assert "TU104" in match.how_to_tell


def test_suggestions_share_the_digits_and_are_never_picked() -> None:
    match = catalog().match("RTX 4900")
    assert match.kind is MatchKind.UNKNOWN
    assert match.suggestions[0] == "GeForce RTX 4090"
    assert match.gpu is None


def test_a_name_that_nvidia_smi_cut_short_is_not_completed_when_that_leaves_a_choice() -> None:
    match = catalog().match("|   0  GeForce GTX 75...   Off  | 00000000:01:00.0  On |                  N/A |")
    assert match.kind is MatchKind.UNKNOWN
    assert "GeForce GTX 750 Ti" in match.suggestions
    assert match.notes == ("the name was cut short by the program that printed it: `nvidia-smi -L` prints it in full",)


def test_a_bare_number_that_is_also_a_pci_id_says_so() -> None:
    match = catalog().match("1080")
    assert match.gpu is not None
    assert match.gpu.name == "GeForce GTX 1080"
    assert match.notes == ("read as a name; 1080 is also the PCI id of GeForce GTX 580, written 10de:1080",)


def test_two_vendors_in_one_text_are_not_decided() -> None:
    match = catalog().match("GeForce RTX 3060 beside Radeon RX 6600")
    assert match.kind is MatchKind.UNKNOWN
    assert match.notes == ("the text names two vendors, NVIDIA and AMD: give one GPU at a time",)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("Radeon RX 7900 XTX", "https://download.pytorch.org/whl/rocm"),
        ("Arc A770", "https://download.pytorch.org/whl/xpu"),
        ("Apple M3", '"mps"'),
        ("llvmpipe", "lspci -nn -d 10de:"),
    ],
)
def test_another_vendor_is_told_what_to_use(text: str, advice: str) -> None:
    assert advice in catalog().match(text).advice


@pytest.mark.parametrize("text", ["GTX 1080, RTX 6090", "RTX A4000, RTX 4090", "A100, H100", "Tesla T4; Tesla V9000"])
def test_a_list_of_gpus_is_not_answered_for_one_of_them(text: str) -> None:
    match = catalog().match(text)
    assert match.kind is MatchKind.UNKNOWN
    assert "--gpu" in " ".join(match.notes)


@pytest.mark.parametrize(("text", "number"), [("4090ti", "4090"), ("RTX 5090 Ti", "5090"), ("GTX 1080 Tie", "1080")])
def test_suggestions_keep_the_number_that_was_typed(text: str, number: str) -> None:
    suggestions = catalog().match(text).suggestions
    assert suggestions
    assert all(number in name for name in suggestions)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("RTX 4O90", "GeForce RTX 4090", id="a-letter-for-a-zero"),
        pytest.param("RTX4O9O", "GeForce RTX 4090", id="two-of-them-and-no-space"),
        pytest.param("GTX lO80", "GeForce GTX 1080", id="a-letter-for-a-one"),
        pytest.param("GTX I080 Ti", "GeForce GTX 1080 Ti", id="a-capital-i-for-a-one"),
        pytest.param("R7X 3060", "GeForce RTX 3060", id="a-digit-in-the-line"),
        pytest.param("GTX 16SO", "GeForce GTX 1650", id="an-s-for-a-five"),
        pytest.param("RTX 20B0", "GeForce RTX 2080", id="a-b-for-an-eight"),
        pytest.param("A1OO", "A100", id="a-short-name"),
        pytest.param("Quadro P2OOO", "Quadro P2000", id="three-of-them"),
        pytest.param("RTX 30 60", "GeForce RTX 3060", id="a-space-in-the-number"),
        pytest.param("R\u0422X 3060", "GeForce RTX 3060", id="a-cyrillic-letter"),
        pytest.param("Jetson Orin Nan0", "Jetson Orin Nano", id="a-zero-in-a-word"),
        pytest.param("RTX 3O6O Tl", "GeForce RTX 3060 Ti", id="in-number-and-suffix"),
    ],
)
def test_a_name_with_letters_for_digits_is_suggested_and_never_picked(text: str, name: str) -> None:
    match = catalog().match(text)
    assert match.kind is MatchKind.UNKNOWN
    assert match.gpu is None
    assert match.suggestions[0] == name


def test_the_grade_behind_a_chip_is_no_other_gpus_name() -> None:
    match = catalog().match("GP107-400")
    assert match.gpu is not None
    assert str(match.gpu.capability) == "6.1"
    assert match.notes == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [("RTX 6000 Pro", "RTX PRO 6000 Blackwell"), ("RTX 5000 Pro", "RTX PRO 5000 Blackwell")],
)
def test_a_name_with_its_words_in_another_order_is_suggested(text: str, name: str) -> None:
    match = catalog().match(text)
    assert match.gpu is None
    assert match.suggestions[0].startswith(name)
