"""Values that try to leave the place that they are written into."""

from __future__ import annotations

from hypothesis import strategies as st

HOSTILE = [
    "GeForce RTX 4090",
    'the "best" one',
    "it's",
    "back\\slash \\",
    "{{ 7 * 7 }}{% raw %}",
    "${PATH} $(id) `id` %PATH% !!",
    "line\nimport os",
    "line\r\n- other",
    "end\x00\x07\x1b[31m",
    "next\x85line \u2028 and \u2029 paragraph",
    "vertical\x0btab\x0cfeed\x1cfile\x1dgroup\x1erecord",
    "# comment --- ... : - ? | >",
    '"""',
    "'''",
    "*/ --> ]]>",
    "coding: utf-7",
    "-*- coding=latin-1 -*-",
    "지포스 RTX 3060, 显卡, ™®",
    "\U0001f3ae and \U0010ffff",
    "\ufeffmark and \u202eright-to-left",
    "yes",
    "1.10",
    "null",
    "2026-11-24",
    "",
    " spaces ",
    "\ttab",
]
# What can be encoded as UTF-8, so that it can be in a file at all.
TEXT = st.text(st.characters(codec="utf-8"))
ANY_TEXT = st.one_of(st.sampled_from(HOSTILE), TEXT, st.text(st.sampled_from("\\\"'\n\r #:-{}%$`!\x85\u2028a")))
