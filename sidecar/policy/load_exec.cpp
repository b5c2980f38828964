// [tools.NAME] executor = "exec": the command line that stands for a tool, and its surroundings.
#include "policy/load_tables.h"
#include "policy/text.h"

#include <algorithm>
#include <filesystem>

namespace tallygate {
namespace {

constexpr std::string_view command_form = R"(write command = ["/usr/bin/PROGRAM", "--", "{path}"])";
constexpr std::string_view own_prefix = "TALLYGATE_";

bool holds_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

// Reads one element; false where it complained.
bool read_element(const TomlNode& item, ExecTemplate& exec, ComplaintList& complaints) {
  std::string what;
  if (item.kind != TomlKind::string) {
    what = "\"command\" holds " + std::string(kind_words(item.kind)) + ", and takes strings";
  } else if (holds_nul(item.text)) {
    what = "\"command\" holds a NUL character, which no command line can carry";
  } else {
    Result<ArgvElement> element = parse_element(item.text);
    if (element) {
      exec.argv.push_back(std::move(element).value());
      return true;
    }
    what = in_quotes(item.text) + " " + element.error().message;
  }
  complaints.add(item.place, std::move(what));
  return false;
}

// No argument chooses the program, and neither does the search path.
void check_program(const TomlNode& item, const ArgvElement& element, ComplaintList& complaints) {
  const bool is_literal = element.size() == 1 && !element.front().is_argument;
  if (!is_literal) {
    complaints.add(item.place,
                   "the program is fixed: the first of \"command\" takes no placeholder");
  } else if (!element.front().text.starts_with('/')) {
    complaints.add(item.place, "the program " + in_quotes(element.front().text) +
                                   " must be an absolute path; no search path is used");
  }
}

void read_command(const TomlMember& member, ExecTemplate& exec, ComplaintList& complaints) {
  const std::vector<TomlNode>& items = member.value.items;
  if (member.value.kind != TomlKind::array) {
    complaints.add(member.place, wrong_kind(member, TomlKind::array) +
                                     "; no shell splits it: " + std::string(command_form));
  } else if (items.empty()) {
    complaints.add(member.place, "\"command\" names no program; " + std::string(command_form));
  }
  for (const TomlNode& item : items) {
    const bool is_read = read_element(item, exec, complaints);
    if (is_read && &item == &items.front()) check_program(item, exec.argv.front(), complaints);
  }
}

bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && name.size() <= 128 && is_letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

// Complains of what cannot be a variable of the operator's.
bool check_variable(Place place, std::string_view name, ComplaintList& complaints) {
  std::string what;
  if (!is_variable_name(name)) {
    what = in_quotes(name) + " names no variable; write letters, digits and _, no digit first";
  } else if (name.starts_with(own_prefix)) {
    what = in_quotes(name) + " is set by the sidecar itself; leave it out";
  }
  if (what.empty()) return true;
  complaints.add(place, std::move(what));
  return false;
}

void read_env(const TomlMember& env, ExecTemplate& exec, ComplaintList& complaints) {
  for (const TomlMember& member : env.value.members) {
    if (!check_variable(member.place, member.key, complaints)) continue;
    if (member.value.kind != TomlKind::string) {
      complaints.add(member.place, wrong_kind(member, TomlKind::string));
    } else if (holds_nul(member.value.text)) {
      complaints.add(member.place, in_quotes(member.key) + " holds a NUL character");
    } else {
      exec.env.emplace_back(member.key, member.value.text);
    }
  }
}

void read_pass_env(const TomlMember& list, ExecTemplate& exec, ComplaintList& complaints) {
  for (const TomlNode& item : list.value.items) {
    if (item.kind != TomlKind::string) {
      complaints.add(item.place, "\"pass_env\" holds " + std::string(kind_words(item.kind)) +
                                     R"(, and takes names; write pass_env = ["HOME"])");
      continue;
    }
    if (!check_variable(item.place, item.text, complaints)) continue;
    const bool is_set =
        std::ranges::any_of(exec.env, [&](const auto& pair) { return pair.first == item.text; });
    const bool is_twice = std::ranges::find(exec.pass_env, item.text) != exec.pass_env.end();
    if (is_set || is_twice) {
      complaints.add(item.place, in_quotes(item.text) + (is_set ? " is set under \"env\" already"
                                                                : " is passed already"));
      continue;
    }
    exec.pass_env.push_back(item.text);
  }
}

void read_cwd(const TomlMember& cwd, const std::string& path, ExecTemplate& exec,
              ComplaintList& complaints) {
  if (cwd.value.text.empty() || holds_nul(cwd.value.text)) {
    complaints.add(cwd.place,
                   "\"cwd\" names no folder; leave it out for the one that the sidecar " +
                       std::string("was started in"));
    return;
  }
  // Relative to the file that says so; an absolute one replaces that.
  const auto folder = std::filesystem::path(path).parent_path() / cwd.value.text;
  exec.cwd = folder.lexically_normal().string();
}

// Keys that speak of a command where there is none.
void refuse_keys_of_exec(const TomlMember& tool, ComplaintList& complaints) {
  for (const TomlMember& member : tool.value.members) {
    if (std::ranges::find(exec_keys, member.key) == exec_keys.end()) continue;
    complaints.add(member.place, in_quotes(member.key) +
                                     " is for tools that the sidecar runs; write executor = "
                                     "\"exec\", or leave it out");
  }
}

}  // namespace

std::optional<ExecTemplate> read_exec(const TomlMember& tool, TableReader& in,
                                      const std::string& path, ComplaintList& complaints) {
  const auto executor = in.choice("executor", {"host", "exec"});
  const bool is_exec = executor && *executor == 1;
  for (const std::string_view key : exec_keys) (void)in.find(key);  // known, wherever they stand
  if (!is_exec) {
    if (executor || in.find("executor") == nullptr) refuse_keys_of_exec(tool, complaints);
    return std::nullopt;
  }
  ExecTemplate exec;
  const TomlMember* command = in.find("command");
  if (command != nullptr) {
    read_command(*command, exec, complaints);
  } else {
    complaints.add(tool.place,
                   R"(executor = "exec" needs a "command"; )" + std::string(command_form));
  }
  if (const TomlMember* env = in.find("env", TomlKind::table)) read_env(*env, exec, complaints);
  if (const TomlMember* list = in.find("pass_env", TomlKind::array)) {
    read_pass_env(*list, exec, complaints);
  }
  if (const TomlMember* cwd = in.find("cwd", TomlKind::string)) {
    read_cwd(*cwd, path, exec, complaints);
  }
  if (const auto output = in.choice("output", {"text", "json"})) exec.json_output = *output == 1;
  if (const auto input = in.choice("stdin", {"none", "args"})) exec.args_on_stdin = *input == 1;
  return exec;
}

}  // namespace tallygate
