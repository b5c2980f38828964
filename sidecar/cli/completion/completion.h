// What shells complete, made from the commands as they are declared.
#pragma once

#include "cli/command_tree.h"

#include <string>
#include <string_view>

namespace tallygate {

// What `shell` reads to complete the words of every command; "bash", "zsh" or "fish".
std::string completion_of(const CommandShape& root, const std::string& shell);

std::string bash_completion(const CommandShape& root);
std::string zsh_completion(const CommandShape& root);
std::string fish_completion(const CommandShape& root);

// What a shell offers in the place of a value.
enum class Offer {
  nothing,
  files,
  choices,   // WordShape::choices
  scopes,    // the beginnings of scopes
  requests,  // the ids of what waits for a person, asked for at that moment
};
Offer offer_for(const WordShape& word);
inline constexpr std::string_view scope_beginnings = "global agent: run:";

// Names between blanks.
std::string joined(const std::vector<std::string>& names);
// Between single quotes, in bash and in zsh.
std::string single_quoted(std::string_view text);

}  // namespace tallygate
