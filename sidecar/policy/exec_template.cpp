#include "policy/exec_template.h"

#include "policy/text.h"
#include "protocol/json_reader.h"
#include "protocol/names.h"

#include <algorithm>

namespace tallygate {
namespace {

Error refuse(std::string message) {
  return Error{ErrorCode::invalid_params, std::move(message), {}};
}

std::string_view words_of(JsonKind kind) {
  switch (kind) {
    case JsonKind::null: return "null";
    case JsonKind::array: return "an array";
    case JsonKind::object: return "an object";
    default: return "a value";
  }
}

// The value of a member as it stands on a command line.
Result<std::string> text_of(const JsonField& field) {
  switch (field.value.kind()) {
    case JsonKind::number:
    case JsonKind::boolean: return std::string(field.value.raw);
    case JsonKind::string: break;
    default:
      return refuse("argument " + in_quotes(field.key) + " is " +
                    std::string(words_of(field.value.kind())) +
                    "; a command line takes text, a number, true or false");
  }
  std::string text = read_string(field.value);
  if (text.find('\0') == std::string::npos) return text;
  return refuse("argument " + in_quotes(field.key) +
                " holds a NUL character, which no command line can carry");
}

Result<std::string> fill_element(const ArgvElement& element, const std::vector<JsonField>& fields,
                                 bool options_may_follow) {
  std::string text;
  for (const ArgvPart& part : element) {
    if (!part.is_argument) {
      text += part.text;
      continue;
    }
    const auto field = std::ranges::find(fields, part.text, &JsonField::key);
    if (field == fields.end()) return refuse("argument " + in_quotes(part.text) + " is missing");
    const Result<std::string> value = text_of(*field);
    if (!value) return value.error();
    text += *value;
  }
  const bool is_from_outside = !element.empty() && element.front().is_argument;
  if (!is_from_outside || !options_may_follow || !text.starts_with('-')) return text;
  return refuse("argument " + in_quotes(element.front().text) + " would stand as " +
                in_quotes(text) + ", which the program may take for an option; write it without " +
                "the leading -, a file as ./NAME");
}

std::vector<std::string_view> names_of(const ExecTemplate& exec) {
  std::vector<std::string_view> names;
  for (const ArgvElement& element : exec.argv) {
    for (const ArgvPart& part : element) {
      if (part.is_argument && std::ranges::find(names, part.text) == names.end()) {
        names.emplace_back(part.text);
      }
    }
  }
  return names;
}

// An argument that silently does nothing is a trap for whoever sends it.
Step refuse_unused(const ExecTemplate& exec, const std::vector<JsonField>& fields) {
  if (exec.args_on_stdin) return Done{};
  const std::vector<std::string_view> names = names_of(exec);
  for (const JsonField& field : fields) {
    if (std::ranges::find(names, field.key) != names.end()) continue;
    return refuse("this tool takes no argument " + in_quotes(field.key) + "; it takes " +
                  (names.empty() ? "none" : listed(names)));
  }
  return Done{};
}

bool is_end_of_options(const ArgvElement& element) {
  return element.size() == 1 && !element.front().is_argument && element.front().text == "--";
}

}  // namespace

Result<ArgvElement> parse_element(std::string_view text) {
  ArgvElement element;
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) element.push_back({std::exchange(literal, {}), false});
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool is_doubled = i + 1 < text.size() && text[i + 1] == c;
    if ((c == '{' || c == '}') && is_doubled) {
      literal += c;
      ++i;
    } else if (c == '}') {
      return refuse("has a } without its {; a brace that is meant as such is written twice");
    } else if (c == '{') {
      const std::size_t close = text.find('}', i);
      if (close == std::string_view::npos) {
        return refuse("has a { without its }; a brace that is meant as such is written twice");
      }
      const std::string_view name = text.substr(i + 1, close - i - 1);
      if (!is_identity_name(name)) {
        return refuse("has the placeholder {" + printable(name) +
                      "}, which names no argument; write 1 to 128 of letters, digits and . _ @ -");
      }
      end_literal();
      element.push_back({std::string(name), true});
      i = close;
    } else {
      literal += c;
    }
  }
  end_literal();
  return element;
}

Result<Command> fill_command(const ExecTemplate& exec, const std::string& args) {
  const JsonText text(args);
  const std::vector<JsonField> fields = read_fields(text.view());
  if (const Step step = refuse_unused(exec, fields); !step) return step.error();
  Command command;
  bool options_may_follow = true;
  for (const ArgvElement& element : exec.argv) {
    Result<std::string> filled = fill_element(element, fields, options_may_follow);
    if (!filled) return filled.error();
    command.argv.push_back(std::move(filled).value());
    if (is_end_of_options(element)) options_may_follow = false;
  }
  command.env = exec.env;
  command.pass_env = exec.pass_env;
  command.cwd = exec.cwd;
  command.json_output = exec.json_output;
  if (exec.args_on_stdin) command.input = args;
  return command;
}

}  // namespace tallygate
