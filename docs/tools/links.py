"""Do the links of built pages lead somewhere? Files and headings of the site itself; other sites are not asked."""

import html.parser
import pathlib
import urllib.parse


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.names, self.targets = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.names.update(given[key] for key in ("id", "name") if given.get(key))
        self.targets += [given[key] for key in ("href", "src") if given.get(key)]


def faults(site):
    """One line for each link that leads nowhere, and the number of links."""
    site = pathlib.Path(site).resolve()
    pages = {path: Page(path.read_text()) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}
    found, count = [], 0
    for path, page in pages.items():
        for target in page.targets:
            parts = urllib.parse.urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            count += 1
            there = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            if there.is_dir():
                there = there / "index.html"
            where = path.relative_to(site)
            if site not in there.parents or not there.exists():
                found.append(f"{where}: a link to '{target}', which does not exist")
            elif parts.fragment and there in pages and parts.fragment not in pages[there].names:
                found.append(f"{where}: a link to '{target}', but there is no such heading")
    return found, count
