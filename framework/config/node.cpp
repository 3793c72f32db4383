// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/node.h"

#include <algorithm>
#include <utility>

namespace ttfm::config {
namespace {

template <class Items>
auto lower_bound(Items& items, std::string_view name) {
  return std::lower_bound(items.begin(), items.end(), name,
                          [](const Node& node, std::string_view key) { return node.key.compare(key) < 0; });
}

}  // namespace

const Node* Node::find(std::string_view name) const {
  const auto found = lower_bound(items, name);
  return kind == Kind::table && found != items.end() && found->key == name ? &*found : nullptr;
}

Node* Node::find(std::string_view name) { return const_cast<Node*>(std::as_const(*this).find(name)); }

Node& Node::put(Node entry) {
  const auto found = lower_bound(items, entry.key);
  if (found != items.end() && found->key == entry.key) return *found = std::move(entry);
  return *items.insert(found, std::move(entry));
}

void Node::remove(std::string_view name) {
  const auto found = lower_bound(items, name);
  if (found != items.end() && found->key == name) items.erase(found);
}

const char* Node::kind_text() const {
  switch (kind) {
    case Kind::boolean:
      return "a boolean";
    case Kind::integer:
      return "an integer";
    case Kind::number:
      return "a float";
    case Kind::text:
      return "a string";
    case Kind::date:
      return "a date or time";
    case Kind::list:
      return "a list";
    case Kind::table:
      return "a table";
    case Kind::unparsed:
      return "no TOML value";
  }
  return "unknown";
}

}  // namespace ttfm::config
