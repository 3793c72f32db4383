# SPDX-License-Identifier: Apache-2.0
"""What a header of the SDK declares, as directives of Breathe: from the XML that Doxygen made of it."""
import re
import xml.etree.ElementTree as ElementTree

NOT_SHOWN = {"ttfm/layout.h", "ttfm/export.h"}  # assertions; an attribute
DIRECTIVES = {"function": "doxygenfunction", "enum": "doxygenenum", "typedef": "doxygentypedef",
              "variable": "doxygenvariable", "define": "doxygendefine"}


def documented(symbol):
    return any("".join(text.itertext()).strip() for text in (symbol.find("briefdescription"),
                                                             symbol.find("detaileddescription")) if text is not None)


class Api:
    def __init__(self, xml):
        self.xml, self.files, self.members = xml, {}, {}
        for compound in ElementTree.parse(xml / "index.xml").iter("compound"):
            if compound.get("kind") in ("file", "namespace"):
                definition = self.compound(compound.get("refid"))
                if compound.get("kind") == "file":
                    self.files[definition.find("location").get("file")] = definition
                for member in definition.iter("memberdef"):
                    self.members.setdefault(member.find("location").get("file"), []).append(member)

    def compound(self, refid):
        return ElementTree.parse(self.xml / f"{refid}.xml").find("compounddef")

    def undocumented(self):
        """A line for each public symbol without a docstring."""
        found = []
        for file in sorted(self.xml.glob("*.xml")):
            root = ElementTree.parse(file).getroot()
            for compound in root.iter("compounddef"):
                if compound.get("kind") in ("class", "struct", "union", "namespace", "concept"):
                    found += self.without_docstring(compound, compound.findtext("compoundname"))
                    scope = compound.findtext("compoundname") + "::"
                    for member in compound.iter("memberdef"):
                        found += self.without_docstring(member, scope + member.findtext("name"))
                elif compound.get("kind") == "file":
                    for member in compound.iter("memberdef"):
                        found += self.without_docstring(member, member.findtext("name"))
        return sorted(set(found))

    def without_docstring(self, symbol, name):
        place = symbol.find("location")
        if symbol.get("prot") == "private" or place is None or self.speaks_for_itself(symbol, name):
            return []
        where = f"framework/include/{place.get('file')}:{place.get('line')}"
        found = [] if documented(symbol) else [f"{where}: {name} has no docstring"]
        for value in symbol.findall("enumvalue"):
            if not documented(value):
                found.append(f"{where}: {name}: {value.findtext('name')} has no docstring")
        return found

    @staticmethod
    def speaks_for_itself(symbol, name):
        """Destructors, what is defaulted or deleted, what implements a documented function, a typedef of C's."""
        arguments = symbol.findtext("argsstring") or ""
        definition = symbol.findtext("definition") or ""
        return ("~" in name or arguments.endswith(("=default", "=delete")) or symbol.find("reimplements") is not None
                or re.fullmatch(r"typedef (struct|enum) (\w+) \2", definition) is not None or name in ("std", "at"))

    def headers(self):
        return self.files.keys() - NOT_SHOWN

    @staticmethod
    def anchor(header):
        return "header-" + "".join(c if c.isalnum() else "-" for c in header)

    def header(self, header):
        """All that `header` declares, in its order."""
        file, members = self.files[header], self.members.get(header, [])
        found = []  # (line, directive, argument)
        classes = [inner for inner in file.findall("innerclass") if inner.get("prot") == "public"]
        names = {inner.text for inner in classes} | {member.findtext("name") for member in members
                                                     if member.get("kind") == "enum"}
        for inner in classes + file.findall("innerconcept"):
            if any(inner.text.startswith(name + "::") for name in names):
                continue  # shown inside the outer class
            compound = self.compound(inner.get("refid"))
            found.append((int(compound.find("location").get("line")), f"doxygen{compound.get('kind')}", inner.text))
        for member in members:
            if member.get("kind") == "typedef" and member.findtext("name") in names:
                continue  # C's `typedef struct x x`
            found.append((int(member.find("location").get("line")), DIRECTIVES[member.get("kind")], self.name(member)))
        out = f"({self.anchor(header)})=\n\n```cpp\n#include <{header}>\n```\n"
        for _, directive, argument in sorted(found):
            members = ":members:\n" if directive in ("doxygenclass", "doxygenstruct") else ""
            out += f"\n```{{{directive}}} {argument}\n{members}```\n"
        return out

    @staticmethod
    def name(member):
        name = member.findtext("qualifiedname") or member.findtext("name")
        if member.get("kind") != "function":
            return name
        parameters = []
        for parameter in member.findall("param"):
            kind = "".join(parameter.find("type").itertext())
            parameters.append(f"{kind} {parameter.findtext('declname') or ''}{parameter.findtext('array') or ''}".strip())
        return f"{name}({', '.join(parameters)})"
