# SPDX-License-Identifier: Apache-2.0
"""Tests of what ./dev docs does beside Sphinx: links led to their places, and mistakes that have to be told."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SITE = Path(__file__).parents[2] / "docs/site"
sys.path.insert(0, str(SITE))
from api import Api  # noqa: E402
from stage import Mistake, Site  # noqa: E402


class NoApi:
    def headers(self):
        return {"ttfm/loss.h"}

    def undocumented(self):
        return []

    def header(self, header):
        return f"<all of {header}>\n"

    def anchor(self, header):
        return "header-loss"


class NoProgram:
    def plugin_sections(self, readme):
        return "parameters\n"


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def file(self, name, text):
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)


class Stage(Folder):
    def stage(self):
        self.file("docs/site/contents.md", "contents\n")
        self.file("docs/index.md", "# Index\n")
        self.file("docs/reference/api/loss.md", "# Loss\n\n```{header} ttfm/loss.h\n```\n")
        self.file("framework/include/ttfm/loss.h", "")
        Site(self.root, NoApi(), NoProgram(), self.root / "out").stage()

    def staged(self, text):
        self.file("docs/how_to/page.md", text)
        self.stage()
        return (self.root / "out/how_to/page.md").read_text()

    def test_links_lead_to_where_a_page_stands_in_the_site(self):
        self.file("plugins/losses/itvm/README.md", "# itvm\n")

        self.assertEqual(self.staged("[a](../../plugins/losses/itvm/README.md#b)"), "[a](../plugins/losses/itvm.md#b)")

    def test_a_link_to_a_header_leads_to_its_page(self):
        self.assertEqual(self.staged("[a](../../framework/include/ttfm/loss.h)"), "[a](../reference/api/loss.md#header-loss)")

    def test_a_link_to_a_folder_becomes_plain_text(self):
        self.assertEqual(self.staged("[the SDK](../../framework/include/ttfm)"), "the SDK")

    def test_a_source_is_copied_and_linked(self):
        self.file("docs/snippets/a.cpp", "int a;")

        self.assertEqual(self.staged("[a](../snippets/a.cpp)"), "[a](../snippets/a.cpp)")
        self.assertEqual((self.root / "out/snippets/a.cpp").read_text(), "int a;")

    def test_blocks_of_code_stay_as_they_are(self):
        text = "```cpp\n[&](auto x){}; [a](nowhere.md)\n```\n"

        self.assertEqual(self.staged(text), text)

    def test_a_dangling_link_is_told_with_its_page(self):
        with self.assertRaisesRegex(Mistake, r"^docs/how_to/page.md: a link to nowhere.md, which does not exist$"):
            self.staged("[a](nowhere.md)")

    def test_a_header_belongs_on_one_page(self):
        with self.assertRaisesRegex(Mistake, r"^<ttfm/loss.h> is on two pages: how_to/page.md, reference/api/loss.md$"):
            self.staged("```{header} ttfm/loss.h\n```\n")

    def test_a_page_that_is_gone_is_taken_out(self):
        self.file("out/how_to/gone.md", "")

        self.stage()

        self.assertFalse((self.root / "out/how_to/gone.md").exists())


class Docstrings(Folder):
    def undocumented(self, member, doc=""):
        self.file("index.xml", "<doxygenindex/>")
        self.file("classa.xml", f"""<doxygen><compounddef kind="class"><compoundname>A</compoundname>
            <briefdescription/><detaileddescription><para>A class.</para></detaileddescription>
            <memberdef kind="function" prot="public"><name>{member}</name><argsstring>()</argsstring>
            <detaileddescription>{doc}</detaileddescription><location file="ttfm/a.h" line="7"/></memberdef>
            <location file="ttfm/a.h" line="5"/></compounddef></doxygen>""")
        return Api(self.root).undocumented()

    def test_a_symbol_without_one_is_told(self):
        self.assertEqual(self.undocumented("f"), ["framework/include/ttfm/a.h:7: A::f has no docstring"])
        self.assertEqual(self.undocumented("f", "<para>It does.</para>"), [])

    def test_a_destructor_needs_none(self):
        self.assertEqual(self.undocumented("~A"), [])


class Links(Folder):
    def check(self, text):
        self.file("a.html", text)
        self.file("b.html", '<p id="here"></p>')
        done = subprocess.run([sys.executable, SITE / "check_links.py", self.root], text=True, capture_output=True)
        return done.returncode, done.stdout + done.stderr

    def test_good_links_are_counted(self):
        self.assertEqual(self.check('<a href="b.html#here"></a><a href="https://example.org/x"></a>'), (0, "2 pages, 1 links\n"))

    def test_a_missing_file_and_a_missing_anchor_are_told(self):
        self.assertEqual(self.check('<a href="c.html"></a>\n<a href="b.html#there"></a>'),
                         (1, "error: a.html:1: c.html: no such file\nerror: a.html:2: b.html#there: no such anchor\n"
                             "2 of 2 links lead nowhere\n"))


if __name__ == "__main__":
    unittest.main()
