// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <functional>
#include <string>

/// The log of the host: lines on stderr and, once a run has a folder, in its log.txt. The only user of spdlog.
namespace ttfm::log {

enum class Level { debug, info, warning, error };

void write(Level level, const std::string& text);
inline void debug(const std::string& text) { write(Level::debug, text); }
inline void info(const std::string& text) { write(Level::info, text); }
inline void warning(const std::string& text) { write(Level::warning, text); }
inline void error(const std::string& text) { write(Level::error, text); }

/// A warning that is given once for each `text` in the life of the process.
void warn_once(const std::string& text);

/// Console lines below `level` are dropped; log.txt keeps everything.
void set_console_level(Level level);

/// Also writes to `file`, appending. Throws ttfm::Error (io) if it cannot be opened.
void add_file(const std::filesystem::path& file);

/// Called before and after a line goes to the console: where a progress bar takes itself away and comes back.
void set_console_hooks(std::function<void()> before, std::function<void()> after);

}  // namespace ttfm::log
