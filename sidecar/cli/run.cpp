// `run`: one command as a governed call, in the foreground of the terminal it was typed at.
#include "cli/call_words.h"
#include "cli/commands.h"
#include "cli/governed_command.h"
#include "cli/output.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"
#include "stdio/whole_file.h"

#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

namespace tallygate {
namespace {

// Beside the codes of every command. 126 and 127 are left to shells among the commands: where we
// say 125, nothing was run.
constexpr int exit_timeout = 124;
constexpr int exit_not_started = 125;
constexpr int exit_signal_base = 128;

// The exit code that a recorded reason tells, for a call that ran before.
std::optional<int> code_in(std::string_view reason) {
  if (!reason.starts_with(command_ended_with)) return std::nullopt;
  reason.remove_prefix(command_ended_with.size());
  constexpr std::string_view by_code = "exit code ", by_signal = "signal ";
  if (reason.starts_with(by_signal)) {
    return exit_signal_base + signal_named(std::string(reason.substr(by_signal.size())));
  }
  int code = 0;
  if (!reason.starts_with(by_code)) return std::nullopt;
  reason.remove_prefix(by_code.size());
  const auto read = std::from_chars(reason.data(), reason.data() + reason.size(), code);
  return read.ec == std::errc() ? std::optional(code) : std::nullopt;
}

std::string quoted_for_shell(const std::string& word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

void tell_how_to_approve(const CommonOptions& options, const RunOptions& words,
                         const CallTold& call) {
  const std::string config =
      options.config.empty() ? "" : " -c " + visible(quoted_for_shell(options.config));
  std::fprintf(stderr, "tallygate: to let it run:  tallygate approve %s%s\n",
               call.request_id.c_str(), config.c_str());
  if (words.waits) {
    std::fprintf(stderr, "tallygate: waiting; Ctrl-C ends the wait, not the call\n");
    return;
  }
  const std::string agent = words.call.agent.empty() ? "" : " --agent " + words.call.agent;
  std::fprintf(stderr, "tallygate: and then:  tallygate run --tool %s%s --resume %s%s\n",
               words.call.tool.c_str(), agent.c_str(), call.action_id.c_str(), config.c_str());
}

// What the call came to, as the exit code of this process.
int exit_code_after(const CallTold& call, bool has_begun, const Foreground& front) {
  const bool ended = call.status == "completed" || call.status == "failed";
  if (call.status == "in_doubt") return static_cast<int>(ExitCode::in_doubt);
  if (call.code == "execution_timeout") return exit_timeout;
  if (has_begun && ended) return front.end()->exit_code();
  if (has_begun) return static_cast<int>(exit_code_of(call));
  if (front.asked_to_end() != 0) return exit_signal_base + front.asked_to_end();
  if (call.status == "failed" && call.code == "not_run") return exit_not_started;
  // A two-phase call of this name, whose token is somebody else's: its end is not known here.
  if (call.status == "granted") return static_cast<int>(ExitCode::in_doubt);
  return code_in(call.reason).value_or(static_cast<int>(exit_code_of(call)));
}

// The ActionResult of a request; one that was taken back tells it too.
Result<CallTold> told(const Result<std::string>& answer) {
  if (answer) return read_call(*answer);
  const Error& error = answer.error();
  if (error.code == ErrorCode::request_cancelled && !error.data.empty() && error.data != "null") {
    return read_call(error.data);
  }
  return error;
}

std::string resumption(const std::string& action_id, std::int64_t wait_ms) {
  JsonWriter out;
  out.begin_object().field("actionId", action_id).field("waitMs", wait_ms).end_object();
  return out.take();
}

Result<CallTold> see_through(const CommonOptions& options, const RunOptions& words,
                             const std::string& proposal, LocalHost& host, GovernedCommand& command,
                             const Foreground& front) {
  const std::int64_t wait_ms = words.waits ? limits::resume_wait_ms_max : 0;
  Result<CallTold> call = told(command.answer_to(
      words.resumes.empty() ? host.ask("actions/govern", proposal)
                            : host.ask("actions/resume", resumption(words.resumes, 0))));
  if (call && call->status == "held") {
    explain(*call);
    tell_how_to_approve(options, words, *call);
    if (!words.waits || front.asked_to_end() != 0) return call;
    call =
        told(command.answer_to(host.ask("actions/resume", resumption(call->action_id, wait_ms))));
  }
  if (!call || !command.ended_late()) return call;
  JsonWriter params;
  params.begin_object().field("actionId", call->action_id).end_object();
  return told(command.answer_to(host.ask("actions/get", params.text())));
}

Step check(const RunOptions& words) {
  if (words.argv.empty() == words.resumes.empty()) {
    return Error{ErrorCode::usage, "give a command behind --, or --resume CALL, and not both", {}};
  }
  if (words.resumes.empty()) return Done{};
  if (words.call.call_id.empty() && words.call.cost.empty()) return Done{};
  return Error{ErrorCode::usage, "a call that is resumed has its name and its cost already", {}};
}

}  // namespace

ExitCode run_command(const CommonOptions& options, const RunOptions& words,
                     const std::string& version) {
  Foreground front;
  if (const Step step = check(words); !step) return complain(step.error());
  const Result<std::string> args = args_of(words.argv);
  if (!args) return complain(args.error());
  const Result<std::string> proposal = proposal_of(words.call, *args);
  if (!proposal) return complain(proposal.error());
  std::optional<WholeFile> file;
  if (!words.result.empty()) {
    Result<WholeFile> prepared = WholeFile::prepare(words.result);
    if (!prepared) return complain(prepared.error());
    file.emplace(std::move(prepared).value());
  }
  SessionWish wish = wish_of(words.call, "tallygate run");
  wish.tools = {words.call.tool};
  auto opened = open_local_session(options, wish, version);
  if (const auto* code = std::get_if<ExitCode>(&opened)) return *code;
  LocalSession& session = *std::get<std::unique_ptr<LocalSession>>(opened);
  GovernedCommand command(session, front);
  const Result<CallTold> call =
      see_through(options, words, *proposal, *session.host, command, front);
  show_notes(*session.host);
  if (!call) {
    complain(call.error());
    return exit_code_of_refusal(call.error());
  }
  const bool is_plain =
      command.has_begun() && (call->status == "completed" || call->code == "tool_error");
  if (!is_plain && call->status != "held") explain(*call);
  if (file) {
    if (const Step step = file->write(call->json + "\n"); !step) {
      complain(step.error());
      return ExitCode::failed;
    }
  }
  return static_cast<ExitCode>(exit_code_after(*call, command.has_begun(), front));
}

}  // namespace tallygate
