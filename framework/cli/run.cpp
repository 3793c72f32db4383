// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/run.h"

#include <cstdio>

#include "base/log.h"
#include "cli/commands.h"

namespace ttfm::cli {

int run(const RunArguments& arguments) {
  if (arguments.dry_run) {
    std::fputs(pipeline::dry_run(arguments.session).c_str(), stdout);
    return 0;
  }
  const auto resume = arguments.resume == "auto"   ? run::Resume::automatic
                      : arguments.resume == "must" ? run::Resume::must
                                                   : run::Resume::never;
  const auto folder = pipeline::run({arguments.session, resume, arguments.argv});
  log::info("done: pictures in " + (folder / "samples").string() + ", the table in " +
            (folder / "eval" / "results.json").string());
  log::info("more samples: ttfm sample " + folder.string() + " --evaluations 4 --count 64 --out samples.png");
  return 0;
}

}  // namespace ttfm::cli
