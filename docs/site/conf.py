# SPDX-License-Identifier: Apache-2.0
"""Sphinx's configuration. ./dev docs runs it on the pages that stage.py has put together."""
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
repository = Path(__file__).parents[2]

project = "ttfm"
author = copyright = "The ttfm authors"
release = version = re.search(r"project\(ttfm VERSION (\S+)", (repository / "CMakeLists.txt").read_text())[1]

extensions = ["breathe", "formulas", "myst_parser"]
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # a page's sections may begin below the second level

breathe_projects = {"ttfm": os.environ["TTFM_DOCS_XML"]}
breathe_default_project = "ttfm"
breathe_show_define_initializer = breathe_show_enumvalue_initializer = True
primary_domain = "cpp"
highlight_language = "text"
toc_object_entries_show_parents = "hide"
cpp_maximum_signature_line_length = 110
c_maximum_signature_line_length = 110

# Every name in a signature is a link, and a link that leads nowhere is an error; these are not ttfm's.
nitpicky = True
nitpick_ignore_regex = [
    ("cpp:identifier", r"(ttfm|flow|nn|io)(::[a-z_0-9]+)*"),  # namespaces have no page of their own
    ("cpp:identifier", r"(at|c10|std|fs)(::.*)?"),
    ("cpp:identifier", r"u?int(8|16|32|64)_t|size_t|void|bool"),
    ("cpp:identifier", r"Tensor|.*Impl|k[A-Z]\w*"),
    ("cpp:identifier", r"T|V|F|N|Net|Args|Enum|Visitor|Options|Draw|Component|Function|Value"),  # template parameters
]

html_math_renderer = "formulas"

html_theme = "furo"
html_title = f"ttfm {version}"
html_static_path = ["static"]
html_css_files = ["ttfm.css"]
html_copy_source = html_show_sourcelink = html_show_sphinx = False
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {"color-brand-primary": "#1f5f8b", "color-brand-content": "#1f5f8b"},
    "dark_css_variables": {"color-brand-primary": "#7db8de", "color-brand-content": "#7db8de"},
}
