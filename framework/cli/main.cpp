// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// The program: the command line, and errors on their way to the user. The only user of CLI11.
#include <c10/util/Exception.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <ttfm/abi.h>
#include <ttfm/error.h>
#include <ttfm/export.h>

#include "base/allocator.h"
#include "base/edit_distance.h"
#include "base/printable.h"
#include "base/version.h"
#include "cli/commands.h"
#include "run/exit_code.h"

namespace ttfm::cli {
namespace {

constexpr int kUsage = 2;

std::string version() {
  return "ttfm " TTFM_VERSION " (plugin ABI " + std::to_string(TTFM_ABI_MAJOR) + "." + std::to_string(TTFM_ABI_MINOR) +
         ", LibTorch " + torch_version() + ")";
}

/// What a verb leaves to be done once its arguments have been read.
using Action = std::function<int()>;

/// Adds what every verb with a configuration has, and collects `--section.key=value` from what is left over.
void add_session(CLI::App& verb, pipeline::SessionRequest& session) {
  verb.footer(verb.get_footer() +
              "\nAny key of the configuration can follow as --section.key=value; `ttfm config reference` lists all.");
  verb.add_option("--plugin-path", session.plugin_path, "further folders with plugins, separated by ':'");
  verb.allow_extras();
}

CLI::Option* add_file(CLI::App& verb, pipeline::SessionRequest& session) {
  return verb.add_option("FILE", session.config, "the run's configuration (TOML)");
}

/// "ttfm config check"
std::string command(const CLI::App& verb) {
  return (verb.get_parent() ? command(*verb.get_parent()) + " " : "") + verb.get_name();
}

/// The option of `verb` that was meant by an argument, "--dry-run"; "" if none is near.
std::string nearest_option(const CLI::App& verb, const std::string& argument) {
  std::vector<std::string> names;
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return nearest_name(argument.substr(0, argument.find('=')), names);
}

/// What to write in place of an argument that is none; `next` stands behind it.
std::string advice(const CLI::App& verb, const std::string& argument, const std::string& next) {
  const size_t name = argument.find_first_not_of('-');
  const bool key = name != std::string::npos && argument.find('.', name) < argument.find('=');
  if (key && name < 2 && argument.find('=') != std::string::npos)
    return "did you mean --" + argument.substr(name) + "?";
  if (key && name == 2) {
    const size_t value = next.starts_with('=') ? 1 : 0;
    return "write " + argument + "=" + (next.empty() || next.starts_with('-') ? "VALUE" : next.substr(value));
  }
  const std::string option = nearest_option(verb, argument);
  if (!option.empty()) return "did you mean " + option + "?";
  return "a value of the configuration is set by --section.key=value";
}

void take_overrides(const CLI::App& verb, pipeline::SessionRequest& session) {
  const std::vector<std::string> extras = verb.remaining();
  for (size_t i = 0; i < extras.size(); ++i) {
    const std::string& extra = extras[i];
    // the configuration says what is wrong with a key
    const bool assignment = extra.starts_with("--") && extra.find('=') != std::string::npos;
    if (!assignment || (extra.find('.') > extra.find('=') && !nearest_option(verb, extra).empty())) {
      throw Error(ErrorKind::config, "'" + extra + "' is not an argument of `" + command(verb) + "`; " +
                                         advice(verb, extra, i + 1 < extras.size() ? extras[i + 1] : ""));
    }
    session.overrides.push_back(extra);
  }
}

class CommandLine {
 public:
  explicit CommandLine(std::vector<std::string> argv) : argv_(std::move(argv)) {
    app_.set_version_flag("--version", version());
    app_.require_subcommand(0, 1);
    app_.footer("Example: ttfm run configs/quickstart.toml");
    add_run();
    add_sample();
    add_eval();
    add_checkpoint();
    add_plugin();
    add_config();
    add_doctor();
  }

  int run(int argc, char** argv) {
    check_verb(app_, 1);
    try {
      app_.parse(argc, argv);
    } catch (const CLI::Success& success) {
      return app_.exit(success);
    } catch (const CLI::ParseError& error) {
      std::fprintf(stderr, "error: %s\nRun with --help for more information.\n", error.what());
      return kUsage;
    }
    if (!action_) {
      std::fputs(app_.help().c_str(), stderr);
      return kUsage;
    }
    return action_();
  }

 private:
  /// Answers a misspelt verb with the nearest one.
  void check_verb(CLI::App& app, size_t position) const {
    if (position >= argv_.size() || argv_[position].starts_with("-")) return;
    std::vector<std::string> verbs;
    for (const CLI::App* verb : app.get_subcommands({})) {
      verbs.push_back(verb->get_name());
      if (verb->get_name() == argv_[position]) {
        CLI::App* const chosen = app.get_subcommand(argv_[position]);
        if (!chosen->get_subcommands({}).empty()) check_verb(*chosen, position + 1);
        return;
      }
    }
    const std::string nearest = nearest_name(argv_[position], verbs);
    throw Error(ErrorKind::config, "there is no command '" + argv_[position] + "'" +
                                       (nearest.empty() ? "." : "; did you mean '" + nearest + "'?") +
                                       " Commands: " + join(verbs));
  }

  void add_run() {
    CLI::App* verb = app_.add_subcommand("run", "train, distil, sample and measure what a configuration describes");
    verb->footer("Example: ttfm run configs/quickstart.toml --train.steps=1000 --run.name=short");
    CLI::Option* const file = add_file(*verb, run_.session);
    add_session(*verb, run_.session);
    verb->add_option("--resume", run_.resume,
                     "if the run's folder exists: never refuses it (default), auto goes on, must insists on it")
        ->check(CLI::IsMember({"never", "auto", "must"}));
    verb->add_flag("--allow-config-change", run_.allow_config_change,
                   "let a run that goes on change what it began with; its record will say so");
    verb->add_flag("--dry-run", run_.dry_run, "make everything, take one step of each stage, write nothing");
    verb->add_option("--replay", run_.replay,
                     "instead of a run: compute the step of a failure file (RUN/failure/...) again")
        ->excludes(file);
    verb->callback([this, verb] {
      action_ = [this, verb] {
        take_overrides(*verb, run_.session);
        if (run_.session.config.empty() && run_.replay.empty()) {
          throw Error(ErrorKind::config, "`ttfm run` needs a configuration: ttfm run configs/quickstart.toml");
        }
        run_.argv = argv_;
        return cli::run(run_);
      };
    });
  }

  void add_sample() {
    CLI::App* verb = app_.add_subcommand("sample", "draw samples from a finished run");
    verb->footer("Example: ttfm sample runs/quickstart --evaluations 4 --count 64 --out samples.png");
    verb->add_option("run", sample_.folder, "folder of the run")->required();
    add_session(*verb, sample_.session);
    verb->add_option("--model", sample_.model, "which of the run's models")
        ->check(CLI::IsMember({"student", "teacher"}))
        ->capture_default_str();
    verb->add_option("--evaluations", sample_.evaluations, "network evaluations for one sample")
        ->check(CLI::Range(int64_t{1}, int64_t{100000}))
        ->capture_default_str();
    verb->add_option("--count", sample_.count, "how many samples")
        ->check(CLI::Range(int64_t{1}, int64_t{100000000}))
        ->capture_default_str();
    verb->add_option("--batch", sample_.batch, "samples that are drawn together; bounds the memory")
        ->check(CLI::Range(int64_t{1}, int64_t{1000000}))
        ->capture_default_str();
    verb->add_option("--seed", sample_.seed, "other samples for each seed")->capture_default_str();
    verb->add_option("--label", sample_.label, "only this class; otherwise all in turn");
    verb->add_option("--out", sample_.out, "NAME.png or NAME.safetensors")->required();
    verb->callback([this, verb] {
      action_ = [this, verb] {
        take_overrides(*verb, sample_.session);
        return cli::sample(sample_);
      };
    });
  }

  void add_eval() {
    CLI::App* verb = app_.add_subcommand("eval", "measure a finished run again");
    verb->footer("Example: ttfm eval runs/quickstart --eval.evaluations=[1,2,16] --out more");
    verb->add_option("run", eval_.folder, "folder of the run")->required();
    add_session(*verb, eval_.session);
    verb->add_option("--out", eval_.out, "folder for eval/ and samples/; by default the run's own");
    verb->callback([this, verb] {
      action_ = [this, verb] {
        take_overrides(*verb, eval_.session);
        return cli::eval(eval_);
      };
    });
  }

  void add_checkpoint() {
    CLI::App* group =
        app_.add_subcommand("checkpoint", "what a run has saved: look at it, verify it, take the weights");
    group->require_subcommand(1);
    group->footer("Example: ttfm checkpoint list runs/quickstart");
    const char* const folder = "folder of a run, of a stage (RUN/student), or of one checkpoint";
    CLI::App* list = group->add_subcommand("list", "every checkpoint: step, size, time, and whether it is whole");
    list->footer("Example: ttfm checkpoint list runs/quickstart");
    list->add_option("PATH", checkpoint_.path, folder)->required();
    list->add_flag("--json", checkpoint_.json, "as JSON");
    list->callback([this] { action_ = [this] { return checkpoint_list(checkpoint_); }; });

    CLI::App* inspect = group->add_subcommand("inspect", "the state and the tensors of the newest checkpoint");
    inspect->footer("Example: ttfm checkpoint inspect runs/quickstart/student");
    inspect->add_option("PATH", checkpoint_.path, std::string(folder) + "; or a .safetensors file")->required();
    inspect->add_flag("--json", checkpoint_.json, "as JSON");
    inspect->callback([this] { action_ = [this] { return checkpoint_inspect(checkpoint_); }; });

    CLI::App* verify = group->add_subcommand("verify", "hold every byte of every checkpoint against its manifest");
    verify->footer("Ends with 4 if one is damaged.\nExample: ttfm checkpoint verify runs/quickstart");
    verify->add_option("PATH", checkpoint_.path, folder)->required();
    verify->callback([this] { action_ = [this] { return checkpoint_verify(checkpoint_); }; });

    CLI::App* take = group->add_subcommand("export", "the weights of the newest checkpoint as one file");
    take->footer("Example: ttfm checkpoint export runs/quickstart --out student.safetensors");
    take->add_option("PATH", export_.path, folder)->required();
    take->add_option("--out", export_.out, "NAME.safetensors")->required();
    take->add_option("--weights", export_.weights, "ema, the average, or raw; otherwise the average if there is one")
        ->check(CLI::IsMember({"ema", "raw"}));
    take->add_option("--stage", export_.stage, "whose weights; otherwise the student's if there is one")
        ->check(CLI::IsMember({"student", "teacher"}));
    take->add_flag("--force", export_.force, "write over a file that is there");
    take->callback([this] { action_ = [this] { return checkpoint_export(export_); }; });
  }

  void add_plugin() {
    CLI::App* group = app_.add_subcommand("plugin", "which plugins there are, and their parameters");
    group->require_subcommand(1);
    group->footer("Example: ttfm plugin describe loss/itvm");
    CLI::App* list = group->add_subcommand("list", "every component with its plugin's version and path");
    list->footer("Example: ttfm plugin list --json");
    list->add_flag("--json", plugin_.json, "as JSON");
    list->add_option("--plugin-path", plugin_.session.plugin_path, "further folders, separated by ':'");
    list->callback([this] { action_ = [this] { return plugin_list(plugin_); }; });

    CLI::App* check =
        group->add_subcommand("check", "whether a file is a plugin that this ttfm takes, and what it offers");
    check->footer("Example: ttfm plugin check build/plugins/libttfm_mine.so");
    check->add_option("FILE", plugin_.name, "a plugin's library")->required();
    check->add_flag("--json", plugin_.json, "as JSON");
    check->callback([this] { action_ = [this] { return plugin_check(plugin_); }; });

    CLI::App* describe = group->add_subcommand("describe", "the parameters of a component");
    describe->footer("Example: ttfm plugin describe loss/itvm --toml");
    describe->add_option("name", plugin_.name, "KIND/NAME, or NAME for every kind")->required();
    describe->add_flag("--json", plugin_.json, "as JSON");
    describe->add_flag("--toml", plugin_.toml, "as a section that can be pasted into a configuration");
    describe->add_option("--plugin-path", plugin_.session.plugin_path, "further folders, separated by ':'");
    describe->callback([this] { action_ = [this] { return plugin_describe(plugin_); }; });
    add_plugin_new(*group);
  }

  void add_plugin_new(CLI::App& group) {
    CLI::App* verb =
        group.add_subcommand("new", "write a small project that builds, tests and runs: a plugin of yours");
    verb->footer("Example: ttfm plugin new loss semigroup");
    verb->add_option("kind", new_.kind, "dataset, teacher, student, loss or sampler")->required();
    verb->add_option("name", new_.name, "of the component, in snake_case")->required();
    verb->add_option("--dir", new_.parent, "where its folder is made")->capture_default_str();
    verb->add_option("--plugin-path", new_.session.plugin_path,
                     "further folders whose names are taken, separated by ':'");
    verb->callback([this] {
      new_.program = argv_[0];
      action_ = [this] { return plugin_new(new_); };
    });
  }

  void add_config() {
    CLI::App* group = app_.add_subcommand("config", "check and print configurations");
    group->require_subcommand(1);
    group->footer("Example: ttfm config show configs/quickstart.toml --train.lr=2e-3");
    const auto add = [&](const char* name, const char* what, const char* example,
                         int (*function)(const ConfigArguments&)) {
      CLI::App* verb = group->add_subcommand(name, what);
      verb->footer(example);
      add_file(*verb, config_.session)->required();
      add_session(*verb, config_.session);
      verb->callback([this, verb, function] {
        action_ = [this, verb, function] {
          take_overrides(*verb, config_.session);
          return function(config_);
        };
      });
      return verb;
    };
    add("check", "every error of a configuration", "Example: ttfm config check configs/quickstart.toml", &config_check);
    CLI::App* show = add("show", "the configuration with every default, and where each value comes from",
                         "Example: ttfm config show configs/quickstart.toml --given", &config_show);
    show->add_flag("--json", config_.json, "as JSON");
    show->add_flag("--given", config_.only_given, "without what is default");
    CLI::App* reference = group->add_subcommand("reference", "every section and key, as Markdown");
    reference->footer("Example: ttfm config reference > configuration.md");
    reference->callback([this] { action_ = [this] { return config_reference(config_); }; });
  }

  void add_doctor() {
    CLI::App* verb = app_.add_subcommand("doctor", "what a run would meet on this machine, and what stands in its way");
    verb->footer("Example: ttfm doctor");
    verb->add_flag("--json", doctor_.json, "as JSON");
    verb->add_option("--plugin-path", doctor_.session.plugin_path, "further folders with plugins, separated by ':'");
    verb->callback([this] { action_ = [this] { return doctor(doctor_); }; });
  }

  std::vector<std::string> argv_;
  CLI::App app_{"Trains flow-matching models, distils them into two-timed flow models, samples and measures them.",
                "ttfm"};
  RunArguments run_;
  SampleArguments sample_;
  EvalArguments eval_;
  CheckpointArguments checkpoint_;
  CheckpointExportArguments export_;
  PluginArguments plugin_;
  PluginNewArguments new_;
  ConfigArguments config_;
  DoctorArguments doctor_;
  Action action_;
};

void print_error(const Error& error) {
  const std::string text = printable(error.what(), "\n\t");
  if (text.starts_with("error")) {
    std::fprintf(stderr, "%s\n", text.c_str());
  } else if (error.code() != 0) {
    std::fprintf(stderr, "error[E%d]: %s\n", error.code(), text.c_str());
  } else {
    std::fprintf(stderr, "error: %s\n", text.c_str());
  }
}

int guarded(int argc, char** argv) {
  try {
    return CommandLine(std::vector<std::string>(argv, argv + argc)).run(argc, argv);
  } catch (const Error& error) {
    print_error(error);
    return run::exit_code(error);
  } catch (const c10::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what_without_backtrace());
    return run::exit_code(error);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return run::exit_code(error);
  }
}

}  // namespace
}  // namespace ttfm::cli

/// Called by the launcher (framework/launcher).
extern "C" TTFM_API int ttfm_main(int argc, char** argv) {
  ttfm::keep_freed_memory();
  return ttfm::cli::guarded(argc, argv);
}
