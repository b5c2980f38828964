// Words that several commands take. Seen by the files of the command table alone.
#pragma once

#include "cli/command_table.h"

#include <string>

namespace CLI {
class Option;
}

namespace tallygate {

// -c FILE.
void add_common(CLI::App* command, Words& words);
// An option, or an operand where `names` has no dash, whose value is a `kind`.
CLI::Option* add_text(CLI::App* command, const std::string& names, std::string& value,
                      const std::string& kind, const std::string& what);

void add_json(CLI::App* command, Words& words);
// --watch SECONDS, and what was said.
void add_watch(CLI::App* command, Words& words);
// 0: list once. The option's value may be left out, and may not be 0.
std::int64_t watch_seconds(const CLI::App* command, const Words& words);

// Commands that read the books: budget, ledger, store.
void declare_books(CLI::App& app, Words& words);

// Commands that govern calls; the others are declared beside the table.
void declare_calls(CLI::App& app, Words& words);

}  // namespace tallygate
