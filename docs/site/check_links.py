# SPDX-License-Identifier: Apache-2.0
"""Follows every link inside a built site, anchors included: check_links.py FOLDER. Links that lead out are not followed."""
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    def __init__(self, file):
        super().__init__()
        self.anchors, self.links = set(), []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)
            elif name in ("href", "src") and value and (tag, name) != ("base", "href"):
                self.links.append((self.getpos()[0], value))


def main():
    site = Path(sys.argv[1]).resolve()
    pages = {file: Page(file) for file in sorted(site.rglob("*.html"))}
    count = broken = 0
    for file, page in pages.items():
        for line, link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            count += 1
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            missing = "" if target.exists() else "no such file"
            if not missing and parts.fragment and target in pages:
                missing = "" if unquote(parts.fragment) in pages[target].anchors else "no such anchor"
            if missing:
                broken += 1
                print(f"error: {file.relative_to(site)}:{line}: {link}: {missing}", file=sys.stderr)
    if broken:
        sys.exit(f"{broken} of {count} links lead nowhere")
    if not pages:
        sys.exit(f"error: {site} has no pages")
    print(f"{len(pages)} pages, {count} links")


if __name__ == "__main__":
    main()
