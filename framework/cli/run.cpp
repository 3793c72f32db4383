// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/run.h"

#include <cstdio>

#include <ttfm/error.h>

#include "base/log.h"
#include "cli/commands.h"

namespace ttfm::cli {

namespace {

int replay(const RunArguments& arguments) {
  const pipeline::Replay replay = pipeline::replay(arguments.replay, arguments.session);
  std::fputs(replay.text.c_str(), stdout);
  if (replay.equal) return 0;
  throw Error(
      ErrorKind::internal,
      "the step does not give the same numbers again. On the machine and with the threads of the run, this is a "
      "bug in ttfm or in a plugin, or the machine computes wrong");
}

}  // namespace

int run(const RunArguments& arguments) {
  if (!arguments.replay.empty()) return replay(arguments);
  if (arguments.dry_run) {
    std::fputs(pipeline::dry_run(arguments.session).c_str(), stdout);
    return 0;
  }
  const auto resume = arguments.resume == "auto"   ? run::Resume::automatic
                      : arguments.resume == "must" ? run::Resume::must
                                                   : run::Resume::never;
  const auto folder = pipeline::run({arguments.session, resume, arguments.allow_config_change, arguments.argv});
  log::info("done: pictures in " + (folder / "samples").string() + ", the table in " +
            (folder / "eval" / "results.json").string());
  log::info("more samples: ttfm sample " + folder.string() + " --evaluations 4 --count 64 --out samples.png");
  return 0;
}

}  // namespace ttfm::cli
