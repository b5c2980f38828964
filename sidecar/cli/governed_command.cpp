#include "cli/governed_command.h"

#include "protocol/json_reader.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <system_error>

namespace tallygate {
namespace {

// A shorter sleep than the kernel asks for, while a busy store has to be asked again.
constexpr std::int64_t retry_ms = 20;
// What a killed process may need to be gone; one that waits for a broken disk may need longer.
constexpr std::int64_t dying_ms = 500;

// What is shown, approved and stored has to be what runs, and JSON can only say UTF-8.
Result<std::string> json_string(const std::string& text, const std::string& what) {
  const std::string json = tallygate::quoted(text);
  const JsonText kept(json);
  if (read_string(kept.view()) == text) return json;
  return Error{
      ErrorCode::usage, what + " is not UTF-8, so it cannot be shown or recorded as it is", {}};
}

// The command that was admitted; a call of another kind of host may have other arguments.
Result<ForegroundCommand> command_of(const BodyAsked& body) {
  const JsonText text(body.args);
  ObjectReader in(text.view(), "args");
  ForegroundCommand command;
  for (const JsonView word : in.array("argv")) {
    const bool is_text = word.kind() == JsonKind::string;
    command.argv.push_back(is_text ? read_string(word) : std::string());
    const bool holds_nul = command.argv.back().find('\0') != std::string::npos;
    if (!is_text || holds_nul) in.complain("argv", "expected strings without NUL");
  }
  command.cwd = in.string("cwd");
  if (command.argv.empty()) in.complain("argv", "names no command");
  if (const Step end = in.finish(); !end) {
    return Error{ErrorCode::usage, "the call is no command: " + end.error().message, {}};
  }
  return command;
}

}  // namespace

Result<std::string> args_of(const std::vector<std::string>& argv) {
  std::error_code error;
  const std::string folder = std::filesystem::current_path(error).string();
  if (error) {
    return Error{ErrorCode::usage, "the current folder is unknown: " + error.message(), {}};
  }
  JsonWriter out;
  out.begin_object().key("argv").begin_array();
  for (std::size_t i = 0; i < argv.size(); ++i) {
    const auto word = json_string(argv[i], "word " + std::to_string(i + 1) + " of the command");
    if (!word) return word.error();
    out.raw(*word);
  }
  const auto cwd = json_string(folder, "the current folder");
  if (!cwd) return cwd.error();
  return out.end_array().raw_field("cwd", *cwd).end_object().take();
}

Result<std::string> GovernedCommand::answer_to(std::int64_t request) {
  std::optional<Result<std::string>> answer;
  bool is_taken_back = false;
  while (true) {
    turn();
    if (host().refusal()) return *host().refusal();
    if (!answer) answer = host().answer_to(request);
    if (answer && !runs()) return *answer;
    ended_late_ = answer.has_value();
    const bool is_unwanted = front_.asked_to_end() != 0 && !has_begun_ && !is_taken_back;
    if (is_unwanted) {
      is_taken_back = true;
      host().cancel(request);
      continue;
    }
    sleep();
  }
}

// One turn, and what it asks for. The kernel gives a body up at the very moment at which the
// command is killed: so the kill comes first, and its news with the turn.
void GovernedCommand::turn() {
  const Now now = session_.clock->now();
  if (kill_ms_ && *kill_ms_ <= now.boot_ms && !front_.end()) {
    kill_ms_.reset();
    front_.tell(SIGKILL);
    const std::int64_t until_ms = now.boot_ms + dying_ms;
    while (!front_.end() && session_.clock->now().boot_ms < until_ms) front_.wait(dying_ms);
  }
  report();
  host().turn(now);
  if (!has_begun_) {
    show_notes(host());  // before the screen is the command's
    begin();
  }
  stop();
}

void GovernedCommand::begin() {
  if (!host().body()) return;
  if (!why_not_.empty()) return host().never_started(why_not_);
  front_.wait(0);  // what was said while the store made us queue
  if (front_.asked_to_end() != 0) {
    return refuse(signal_name(front_.asked_to_end()) +
                  " came before the command was started; nothing was run, and nothing is charged");
  }
  if (host().must_stop()) {
    return refuse("the call was stopped before the command was started; nothing was run");
  }
  Result<ForegroundCommand> command = command_of(*host().body());
  if (!command) return refuse(command.error().message);
  command->variables = {{"TALLYGATE_RUN", host().run()},
                        {"TALLYGATE_AGENT", host().agent()},
                        {"TALLYGATE_ACTION", host().body()->action_id}};
  const std::int64_t boot_ms = session_.clock->now().boot_ms;
  if (const Step step = front_.start(*command); !step) return refuse(step.error().message);
  has_begun_ = true;
  host().started(boot_ms);
}

void GovernedCommand::refuse(const std::string& why) {
  why_not_ = why;
  host().never_started(why);
}

void GovernedCommand::stop() {
  if (!runs() || !host().must_stop() || is_told_to_stop_) return;
  is_told_to_stop_ = true;
  kill_ms_ = session_.clock->now().boot_ms + limits::cancel_grace_ms;
  front_.tell(SIGTERM);
}

void GovernedCommand::report() {
  if (!runs() || !front_.end()) return;
  has_reported_ = true;
  const ForegroundEnd& end = *front_.end();
  if (!is_told_to_stop_ && end.exit_code() == 0) {
    return host().ended(true, R"({"output":{"exitCode":0}})");
  }
  JsonWriter error;
  error.begin_object().field("code", std::int64_t{1});
  error.field("message", (is_told_to_stop_ ? "the command was stopped, and ended with "
                                           : std::string(command_ended_with)) +
                             end.text());
  host().ended(false, error.end_object().text());
}

void GovernedCommand::sleep() {
  if (front_.end() && runs()) return;
  if (host().body() && !has_begun_ && why_not_.empty()) return;
  std::int64_t until_ms = host().next_wake_ms();
  const std::int64_t now_ms = session_.clock->now().boot_ms;
  if (kill_ms_) until_ms = std::min(until_ms, *kill_ms_);
  if (!why_not_.empty()) until_ms = std::min(until_ms, now_ms + retry_ms);
  front_.wait(std::max<std::int64_t>(until_ms - now_ms, 0));
}

}  // namespace tallygate
