# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The ttfm authors
"""The checker of the pages finds what is stale, and says where."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from pages import first_difference, quotes

HERE = Path(__file__).parent


def check(page: str, program: str = "#!/bin/sh\necho hello\n") -> str:
    """What check_pages.py says of a page, with a program `ttfm` of the test's own."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "configs").mkdir()
        (root / "code.cpp").write_text("int a;\nint b;\nint c;\n")
        (root / "page.md").write_text(page)
        (root / "bin").mkdir()
        (root / "bin/ttfm").write_text(program)
        (root / "bin/ttfm").chmod(0o755)
        arguments = ["--source", root, "--program", root / "bin", root / "page.md"]
        command = [sys.executable, HERE / "check_pages.py", *arguments]
        return subprocess.run(command, capture_output=True, text=True).stdout


class Comparison(unittest.TestCase):
    def test_dots_stand_for_a_part_of_a_line_or_for_lines(self):
        self.assertIsNone(first_difference(["a ... c", "...", "z"], ["a b c", "d", "e", "z"], False))
        self.assertIsNone(first_difference(["...", "z"], ["z"], False))
        self.assertEqual(first_difference(["a ... c"], ["a b d"], False), 0)

    def test_says_which_line_differs(self):
        self.assertEqual(first_difference(["a", "b", "c"], ["a", "x", "c"], False), 1)
        self.assertEqual(first_difference(["a"], ["a", "b"], False), 1)

    def test_any_number_stands_for_any_other_and_its_width(self):
        self.assertIsNone(first_difference(["rmse   0.25  -", "loss .0163"], ["rmse  1.5e-05  -", "loss 1"], True))
        self.assertEqual(first_difference(["rmse  0.25"], ["rmse  nan"], True), 0)
        self.assertEqual(first_difference(["rmse  0.25"], ["mmd2  0.25"], True), 0)

    def test_numbers_count_where_they_are_not_said_to_vary(self):
        self.assertEqual(first_difference(["exit 2"], ["exit 3"], False), 0)

    def test_a_quotation_is_whole_lines_in_their_order(self):
        source = ["int a;", "", "int b;", "int c;"]
        self.assertTrue(quotes(["int a;", "// ...", "int c;"], source))
        self.assertFalse(quotes(["int c;", "// ...", "int a;"], source))
        self.assertFalse(quotes(["int a"], source))


class Pages(unittest.TestCase):
    def test_a_fresh_page_passes(self):
        said = check("```console\n$ ttfm\nhello\n$ false || echo \\\n>   no\nno\n```\n```json\n{}\n```\n")
        self.assertEqual(said, "1 pages, 2 blocks, 0 of them stale\n")

    def test_a_stale_output_is_told_with_its_line(self):
        page = "# Page\n\n```console\n$ ttfm\nhallo\n```\n"
        self.assertIn("page.md:5: the output has no such line\n    | hello\n", check(page))
        self.assertIn("page.md:4: the output goes on\n    | hello\n", check(page.replace("hallo\n", "")))
        self.assertIn("page.md:6: the output has", check(page.replace("ttfm\n", "ttfm \\\n  x\n")))

    def test_a_command_that_fails_is_stale_unless_its_error_is_shown(self):
        failing = "#!/bin/sh\necho 'error: no'\nexit 2\n"
        self.assertIn("page.md:2: this command ends with exit code 2", check("```console\n$ ttfm\n...\n```\n", failing))
        self.assertIn(" 0 of them", check("```console\n$ ttfm\nerror: no\n$ echo $?\n2\n```\n", failing))

    def test_commands_of_a_page_share_a_folder_and_a_shell(self):
        page = "```console\n$ x=1; touch f\n```\n\n```console\n$ echo $x; ls f\n1\nf\n```\n"
        self.assertIn(" 0 of them", check(page))

    def test_a_stale_quotation_is_told(self):
        quote = "<!-- check: from code.cpp -->\n```cpp\nint b;\nint c;\n```\n"
        self.assertIn(" 0 of them", check(quote))
        self.assertIn("page.md:2: is not what stands in code.cpp", check(quote.replace("b;\n", "b;\n\n")))

    def test_a_configuration_that_the_program_refuses_is_told(self):
        refusing = "#!/bin/sh\nexit 2\n"
        self.assertIn("page.md:1: this configuration ends with exit code 2", check("```toml\na = 1\n```\n", refusing))

    def test_json_and_python_are_parsed(self):
        self.assertIn("page.md:1: ", check("```json\n{1}\n```\n"))
        self.assertIn("page.md:1: ", check("```python\nif\n```\n"))

    def test_a_block_that_nothing_checks_is_told(self):
        self.assertIn("page.md:1: a block of language 'cpp' is checked by nothing", check("```cpp\nint a;\n```\n"))
        self.assertIn("page.md:1: a block of language '' is checked by nothing", check("```\nint a;\n```\n"))
        self.assertIn(" 0 of them", check("<!-- check: not run: pseudo-code -->\n```cpp\nint a;\n```\n"))
        self.assertIn("needs a reason", check("<!-- check: not run -->\n```cpp\nint a;\n```\n"))

    def test_a_command_in_an_indented_block_is_told(self):
        self.assertIn("page.md:3: commands stand in a fenced block", check("Do:\n\n    ttfm run x\n"))
        self.assertIn(" 0 of them", check("With\n\n    u = v\n"))

    def test_a_mark_that_is_misspelt_or_stands_alone_is_told(self):
        self.assertIn("page.md:1: unknown mark `check: form`", check("<!-- check: form x -->\n```text\n```\n"))
        self.assertIn("page.md:2: a mark", check("<!-- check: fails -->\ntext\n"))


if __name__ == "__main__":
    unittest.main()
