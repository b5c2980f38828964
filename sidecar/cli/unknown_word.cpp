// Which word of a command line nobody knows, and which one was meant.
#include "cli/command_tree.h"
#include "policy/text.h"

#include <algorithm>
#include <string_view>

namespace tallygate {
namespace {

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) {
  const std::string_view nearest = nearest_name(word, known);
  return nearest.empty() ? std::string() : "; did you mean " + in_quotes(nearest) + "?";
}

bool is_option(const std::string& word) { return word.size() > 1 && word.starts_with('-'); }

std::string unknown_command(const CommandShape& command, const std::string& word) {
  std::vector<std::string_view> known;
  for (const CommandShape& child : command.children) known.push_back(child.name);
  return "there is no command " + in_quotes(word) + suggestion(word, known);
}

std::string unknown_option(const CommandShape& command, const std::string& word) {
  const std::string option = word.substr(0, word.find('='));
  const std::string complaint = "there is no option " + in_quotes(option);
  constexpr std::size_t letter_size = 2;  // "-x", which is as near to any other
  if (option.size() <= letter_size) return complaint;
  std::vector<std::string_view> known;
  for (const WordShape& one : command.options) {
    known.insert(known.end(), one.names.begin(), one.names.end());
  }
  return complaint + suggestion(option, known);
}

// "--config=FILE" and "-cFILE" name the option in front of their value.
std::string name_in(const std::string& word) {
  if (word.starts_with("--")) return word.substr(0, word.find('='));
  return word.substr(0, 2);
}

// How many of the words behind an option are its values.
std::size_t values_behind(const WordShape& option, const std::vector<std::string>& words,
                          std::size_t at) {
  if (option.value.empty() || words[at] != name_in(words[at])) return 0;
  std::size_t count = 0;
  while (at + count + 1 < words.size() && !is_option(words[at + count + 1])) {
    ++count;
    if (!option.takes_several) break;
  }
  return count;
}

}  // namespace

const CommandShape* CommandShape::child(const std::string& wanted) const {
  const auto found = std::ranges::find(children, wanted, &CommandShape::name);
  return found == children.end() ? nullptr : &*found;
}

const WordShape* CommandShape::option(const std::string& wanted) const {
  const auto found = std::ranges::find_if(options, [&](const WordShape& one) {
    return std::ranges::find(one.names, wanted) != one.names.end();
  });
  return found == options.end() ? nullptr : &*found;
}

UnknownWord find_unknown_word(const CommandShape& root, const std::vector<std::string>& words) {
  const CommandShape* command = &root;
  std::size_t operands = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") break;
    if (is_option(word)) {
      const WordShape* option = command->option(name_in(word));
      if (option == nullptr) return {unknown_option(*command, word), command};
      i += values_behind(*option, words, i);
    } else if (!command->children.empty()) {
      const CommandShape* child = command->child(word);
      if (child == nullptr) return {unknown_command(*command, word), command};
      command = child;
    } else if (++operands > command->operands.size()) {
      const std::string hint =
          command->tail.empty() ? ""
                                : "; the usage is " + command->path + " [OPTIONS] " + command->tail;
      return {"nothing is known to do with " + in_quotes(word) + hint, command};
    }
  }
  return {{}, command};
}

}  // namespace tallygate
