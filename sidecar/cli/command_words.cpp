#include "cli/command_words.h"

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

}  // namespace tallygate
