# SPDX-License-Identifier: Apache-2.0
"""Doxygen's filter: in a docstring, lines that are indented by two more blanks than the text are formulas, shown as they
stand. Keeps the number of lines."""
import re
import sys

lines = open(sys.argv[1], encoding="utf-8").read().split("\n")
in_list, start = False, None
for number, line in enumerate([*lines, ""]):
    comment = re.match(r"\s*///( *)(\S?)", line)
    if comment is None:
        in_list = False
    elif comment[2] and re.match(r"\s*/// [-*] ", line):
        in_list = True
    elif not comment[2]:
        in_list = False
    formula = comment is not None and comment[2] and len(comment[1]) >= 3 and not in_list
    if formula and start is None and len(comment[1]) == 3:
        start = number
        lines[number] = line.replace("///", "/// @verbatim", 1)
    elif not formula and start is not None:
        lines[number - 1] += " @endverbatim"
        start = None
sys.stdout.write("\n".join(lines))
