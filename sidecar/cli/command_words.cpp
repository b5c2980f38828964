#include "cli/command_words.h"

#include "cli/watch.h"

#include <CLI/CLI.hpp>

namespace tallygate {

void add_common(CLI::App* command, Words& words) {
  command
      ->add_option("-c,--config", words.common.config,
                   "the configuration; else $TALLYGATE_CONFIG, else the user's own")
      ->type_name("FILE");
}

CLI::Option* add_text(CLI::App* command, const std::string& names, std::string& value,
                      const std::string& kind, const std::string& what) {
  return command->add_option(names, value, what)->type_name(kind);
}

void add_json(CLI::App* command, Words& words) {
  command->add_flag("--json", words.common.json, "print JSON in the shapes of the wire");
}

void add_watch(CLI::App* command, Words& words) {
  command
      ->add_option("--watch", words.watch_s,
                   "list again every SECONDS (1), until Ctrl-C; with --json print what changed")
      ->type_name("SECONDS")
      ->expected(0, 1)
      ->check(CLI::Range(std::int64_t{1}, watch_seconds_max));
}

std::int64_t watch_seconds(const CLI::App* command, const Words& words) {
  const bool is_bare = command->count("--watch") > 0 && words.watch_s == 0;
  return is_bare ? 1 : words.watch_s;
}

}  // namespace tallygate
