// Words that several commands take. Seen by the files of the command table alone.
#pragma once

#include "cli/command_table.h"

#include <CLI/CLI.hpp>

namespace tallygate {

inline void add_common(CLI::App* command, Words& words) {
  command
      ->add_option("-c,--config", words.common.config,
                   "the configuration; else $TALLYGATE_CONFIG, else the user's own")
      ->type_name("FILE");
}

inline CLI::Option* add_text(CLI::App* command, const std::string& names, std::string& value,
                      const std::string& kind, const std::string& what) {
  return command->add_option(names, value, what)->type_name(kind);
}

// Commands that govern calls; the others are declared beside the table.
void declare_calls(CLI::App& app, Words& words);

}  // namespace tallygate
