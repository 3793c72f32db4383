# SPDX-License-Identifier: Apache-2.0
"""Formulas as SVG, drawn when the site is built: it needs no script from elsewhere, and no font of the reader's."""
import re
from functools import lru_cache
from html import escape

import ziamath
from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging

ziamath.config.svg2 = False  # paths in place: pictures on one page share no names


@lru_cache(maxsize=None)
def picture(tex, inline):
    drawn = ziamath.Latex(tex, size=17 if inline else 19, inline=inline, color="currentColor")
    start = f'<svg role="img" aria-label="{escape(tex, quote=True)}" style="vertical-align:{drawn.getyofst():.2f}px" '
    return drawn.svg().replace("<svg ", start, 1)


def draw(node, inline):
    tex = re.sub(r"\\text(tt)?\{[^{}]*\}", lambda match: match[0].replace(r"\_", "_"), node.astext()).strip()
    if "\\" in convert(tex):  # an unknown command would be drawn as its name
        logging.getLogger(__name__).warning("a command of TeX that the site does not know: %s", tex, location=node)
    return picture(tex, inline)


def visit_inline(writer, node):
    writer.body.append(draw(node, inline=True))
    raise nodes.SkipNode


def visit_display(writer, node):
    writer.body.append(f'<div class="math">{draw(node, inline=False)}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("formulas", (visit_inline, None), (visit_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
