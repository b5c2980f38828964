#include "cli/completion/completion.h"

namespace tallygate {

std::string completion_of(const CommandShape& root, const std::string& shell) {
  if (shell == "bash") return bash_completion(root);
  return shell == "zsh" ? zsh_completion(root) : fish_completion(root);
}

Offer offer_for(const WordShape& word) {
  if (!word.choices.empty()) return Offer::choices;
  if (word.value == "FILE") return Offer::files;
  if (word.value == "SCOPE") return Offer::scopes;
  return word.value == "REQUEST" ? Offer::requests : Offer::nothing;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : " ") + name;
  return out;
}

std::string single_quoted(std::string_view text) {
  std::string out = "'";
  for (const char letter : text) {
    if (letter == '\'') {
      out += "'\\''";
    } else {
      out += letter;
    }
  }
  return out + "'";
}

}  // namespace tallygate
