// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/merge.h"

#include <algorithm>
#include <system_error>

#include "base/edit_distance.h"
#include "base/limits.h"
#include "config/schema.h"
#include "config/text.h"
#include "config/toml_reader.h"

namespace ttfm::config {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxParts = 8;  // of an override's key

/// The value of a component section's `type`, or "".
std::string type_of(const Node& table) {
  const Node* type = table.find("type");
  if (!type) return "";
  return type->kind == Node::Kind::text ? type->text : type->raw.value_or("");
}

bool host_owns(const std::string& path, const Node& entry) {
  const SectionSpec* const spec = find_section(path);
  if (!spec) return false;
  if (entry.kind == Node::Kind::table) return find_section(child_path(path, entry.key)) != nullptr;
  return std::any_of(spec->keys.begin(), spec->keys.end(), [&](const Key& key) { return key.name == entry.key; });
}

void merge(Node& base, Node over, const std::string& path) {
  const std::string old_type = type_of(base), new_type = type_of(over);
  if (!old_type.empty() && !new_type.empty() && old_type != new_type) {
    std::erase_if(base.items, [&](const Node& entry) { return !host_owns(path, entry); });
  }
  for (Node& entry : over.items) {
    Node* const lower = base.find(entry.key);
    if (!lower || lower->kind != Node::Kind::table || entry.kind != Node::Kind::table) {
      base.put(std::move(entry));
      continue;
    }
    if (!entry.place.source->command_line) lower->place = entry.place;  // a header says more than an override
    merge(*lower, std::move(entry), child_path(path, lower->key));
  }
}

class Reader {
 public:
  explicit Reader(Diagnostics& problems) : problems_(problems) {}

  void user_file(const fs::path& file) {
    std::shared_ptr<Source> source = new_source(file.string(), file);
    try {
      source->text = read_file(file);
    } catch (const Error& error) {
      refuse({kUnreadable, {}, printable(error.what()), similar_file(file, file.parent_path())});
      return;
    }
    layers_.user = source;
    add_file(source, {canonical(file)});
  }

  void overrides(const std::vector<std::string>& texts) {
    Node layer;
    for (const std::string& text : texts) add_override(text, layer);
    merge(layers_.root, std::move(layer), "");
  }

  Layers take() { return std::move(layers_); }

 private:
  std::shared_ptr<Source> new_source(std::string name, const fs::path& file) {
    auto source = std::make_shared<Source>();
    source->name = std::move(name);
    std::error_code ignored;
    source->folder = fs::absolute(file, ignored).parent_path();
    source->order = files_++;
    return source;
  }

  /// Merges the bases of a file, then the file. `open` holds it and the files that led to it.
  void add_file(const std::shared_ptr<const Source>& source, const std::vector<fs::path>& open) {
    std::optional<Node> root = parse_file(source, problems_);
    if (!root) {
      layers_.complete = false;
      return;
    }
    if (const Node* const extends = root->find("extends")) {
      const bool list = extends->kind == Node::Kind::list;
      if (list) {
        for (const Node& base : extends->items) add_base(base, open);
      } else {
        add_base(*extends, open);
      }
      root->remove("extends");
    }
    merge(layers_.root, std::move(*root), "");
  }

  void add_base(const Node& mention, std::vector<fs::path> open) {
    if (mention.kind != Node::Kind::text) {
      return refuse({kWrongType, mention.place,
                     std::string("`extends` holds ") + mention.kind_text() + "; it must be a list of files",
                     "extends = [\"base.toml\"]"});
    }
    if (printable(mention.text) != mention.text) {  // for the system a name ends at a byte of 0
      return refuse({kExtends, mention.place, "`extends` names a file with a control character in it",
                     "a \\ in \"...\" begins an escape: write '...' or \\\\"});
    }
    const fs::path shown = (fs::path(mention.place.source->name).parent_path() / mention.text).lexically_normal();
    const fs::path file = (mention.place.source->folder / mention.text).lexically_normal();
    if (static_cast<uint64_t>(files_) >= max_files_) {
      return refuse({kExtends, mention.place, "more than " + std::to_string(max_files_) + " files extend one another",
                     limits::kConfigFiles.text(2 * max_files_)});
    }
    open.push_back(canonical(file));
    if (const auto first = std::find(open.begin(), open.end() - 1, open.back()); first != open.end() - 1) {
      std::string circle;
      for (auto each = first; each != open.end(); ++each) {
        circle += (circle.empty() ? "" : " -> ") + each->filename().string();
      }
      return refuse({kExtends, mention.place, "`extends` goes round in a circle", printable(circle)});
    }
    std::shared_ptr<Source> source = new_source(shown.string(), file);
    try {
      source->text = read_file(file);
    } catch (const Error& error) {
      return refuse({kExtends, mention.place, printable(error.what()),
                     "bases are found relative to the file that names them" +
                         similar_file(file, fs::path(mention.text).parent_path(), "; ")});
    }
    add_file(source, open);
  }

  /// Adds `--section.key=value` to the layer of the command line.
  void add_override(const std::string& text, Node& layer) {
    auto source = std::make_shared<Source>();
    source->name = "command line";
    source->text = text;
    source->command_line = true;
    source->order = files_ + overrides_++;
    std::error_code ignored;
    source->folder = fs::current_path(ignored);

    const size_t begin = text.starts_with("--") ? 2 : 0;
    const size_t equals = std::min(text.find('=', begin), text.size());
    const auto bad = [&](std::string message, std::string note = "an override is --section.key=value") {
      problems_.add({kBadOverride, {source, 1, 1, static_cast<int>(equals)}, std::move(message), std::move(note)});
    };
    const std::string name = std::string("`").append(printable(text.substr(0, equals))).append("`");
    if (!is_utf8(text)) return bad(name + " has bytes that are no UTF-8");
    if (equals == text.size()) return bad(name + " is neither an option nor an override");

    std::vector<std::pair<std::string, Place>> parts;
    for (size_t at = begin; at <= equals;) {
      const size_t end = std::min(text.find('.', at), equals);
      const auto column = static_cast<int>(at) + 1;
      parts.emplace_back(text.substr(at, end - at), Place{source, 1, column, static_cast<int>(end - at)});
      at = end + 1;
    }
    const auto bare = [](const auto& part) {
      return !part.first.empty() && std::all_of(part.first.begin(), part.first.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '_' || c == '-';
      });
    };
    if (!std::all_of(parts.begin(), parts.end(), bare) || parts.size() > kMaxParts) {
      return bad(name + " is not the name of a key");
    }
    if (parts.size() < 2) return bad(name + " names no section", whole_name(parts[0].first));

    Node* table = &layer;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      Node* next = table->find(parts[i].first);
      if (!next || next->kind != Node::Kind::table) {
        Node section;
        section.key = parts[i].first;
        section.key_place = section.place = parts[i].second;
        next = &table->put(std::move(section));
      }
      table = next;
    }
    const auto column = static_cast<int>(equals) + 2;
    const std::string raw = text.substr(equals + 1);
    std::optional<Node> value = parse_value(raw, source, column);
    if (!value) {
      value.emplace();
      value->kind = Node::Kind::unparsed;
    }
    if (!value->place.source) value->place = {source, 1, column, static_cast<int>(raw.size())};
    value->raw = raw;
    value->key = parts.back().first;
    value->key_place = parts.back().second;
    table->put(std::move(*value));
  }

  /// What was meant by an override that names no section.
  static std::string whole_name(const std::string& name) {
    if (name == "extends") return "`extends` stands in files alone";
    if (find_section(name)) return "[" + name + "] is a section: --" + name + ".key=value";
    for (const bool nested : {false, true}) {  // [train] rather than [teacher.train]
      for (const SectionSpec& spec : schema()) {
        const bool has = std::any_of(spec.keys.begin(), spec.keys.end(), [&](const Key& k) { return k.name == name; });
        if (has && (spec.path.find('.') != std::string::npos) == nested) {
          return "did you mean --" + spec.path + "." + name + "=...?";
        }
      }
    }
    return "an override is --section.key=value";
  }

  void refuse(Problem problem) {
    problems_.add(std::move(problem));
    layers_.complete = false;
  }

  static fs::path canonical(const fs::path& file) {
    std::error_code error;
    const fs::path path = fs::weakly_canonical(file, error);
    return error ? file : path;
  }

  /// "did you mean `x.toml`?" for a file of that folder, which was written `shown`, with a name like that of `file`.
  static std::string similar_file(const fs::path& file, const fs::path& shown, const std::string& before = "") {
    std::error_code error;
    std::vector<std::string> names;
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    for (fs::directory_iterator each(folder, error), end; !error && each != end; each.increment(error)) {
      if (each->path().extension() == ".toml") names.push_back(each->path().filename().string());
    }
    std::sort(names.begin(), names.end());
    const std::string nearest = nearest_name(file.filename().string(), names);
    if (nearest.empty() || nearest == file.filename()) return "";
    return before + "did you mean `" + (shown / nearest).string() + "`?";
  }

  Diagnostics& problems_;
  Layers layers_;
  const uint64_t max_files_ = limits::kConfigFiles.value();
  int files_ = 0;
  int overrides_ = 0;
};

}  // namespace

Layers read_layers(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                   Diagnostics& problems) {
  Reader reader(problems);
  reader.user_file(file);
  reader.overrides(overrides);
  return reader.take();
}

}  // namespace ttfm::config
