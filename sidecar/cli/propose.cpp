// `propose`: the first phase of a call that the caller runs by itself.
#include "cli/call_words.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/text_in.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"
#include "protocol/strict_json.h"

namespace tallygate {
namespace {

Result<std::string> accepted(const Result<std::string>& text, const std::string& what) {
  if (!text) return text.error();
  Result<JsonText> json = strict_json(*text);
  if (!json) return Error{ErrorCode::usage, what + ": " + json.error().message, {}};
  if (json->view().kind() == JsonKind::object) return std::string(json->view().raw);
  return Error{ErrorCode::usage, what + ": expected a JSON object", {}};
}

Result<std::string> args_of(const ProposeOptions& words) {
  if (!words.args.empty()) return accepted(words.args, "--args");
  if (!words.args_file.empty()) return accepted(read_file(words.args_file), "--args-file");
  return accepted(read_stdin(), "the arguments on stdin");
}

Result<std::string> proposal_of(const ProposeOptions& words) {
  if (words.whole) return accepted(read_stdin(), "the proposal on stdin");
  const Result<std::string> args = args_of(words);
  if (!args) return args.error();
  return proposal_of(words.call, *args);
}

Step check(const ProposeOptions& words) {
  const bool has_args = !words.args.empty() || !words.args_file.empty();
  if (!words.has_output) {
    return Error{ErrorCode::usage, "stdout is closed, so nobody would get the token", {}};
  }
  if (!words.args.empty() && !words.args_file.empty()) {
    return Error{ErrorCode::usage, "give --args or --args-file, not both", {}};
  }
  if (words.whole) {
    const bool says_more = has_args || !words.call.tool.empty() || !words.call.call_id.empty() ||
                           !words.call.cost.empty();
    if (!says_more) return Done{};
    return Error{
        ErrorCode::usage, "--stdin takes the whole proposal from stdin; leave out the rest", {}};
  }
  if (!words.call.tool.empty()) return Done{};
  return Error{
      ErrorCode::usage, "name the tool with --tool, or give a whole proposal with --stdin", {}};
}

Result<CallTold> propose(LocalSession& session, const std::string& proposal, bool waits) {
  const Result<std::string> answer =
      wait_for(session, session.host->ask("actions/propose", proposal));
  if (!answer) return answer.error();
  CallTold call = read_call(*answer);
  if (!waits || call.status != "held") return call;
  explain(call);
  JsonWriter params;
  params.begin_object().field("actionId", call.action_id);
  params.field("waitMs", limits::resume_wait_ms_max).end_object();
  const Result<std::string> resumed =
      wait_for(session, session.host->ask("actions/resume", params.text()));
  if (!resumed) return resumed.error();
  return read_call(*resumed);
}

// 0 says one thing alone: here is a token, run it. Another's grant is no leave to run, and a call
// of this name that has ended must not run again.
ExitCode exit_code_for_hooks(const CallTold& call) {
  if (call.has_token()) return ExitCode::done;
  if (call.status == "granted") return ExitCode::in_doubt;
  const bool has_ended =
      call.status == "completed" || call.status == "failed" || call.status == "cancelled";
  return has_ended ? ExitCode::not_found : exit_code_of(call);
}

}  // namespace

ExitCode propose_call(const CommonOptions& options, const ProposeOptions& words,
                      const std::string& version) {
  if (const Step step = check(words); !step) return complain(step.error());
  const Result<std::string> proposal = proposal_of(words);
  if (!proposal) return complain(proposal.error());
  auto opened = open_local_session(options, wish_of(words.call, "tallygate propose"), version);
  if (const auto* code = std::get_if<ExitCode>(&opened)) return *code;
  LocalSession& session = *std::get<std::unique_ptr<LocalSession>>(opened);
  const Result<CallTold> call = propose(session, *proposal, words.waits);
  show_notes(*session.host);
  if (!call) {
    complain(call.error());
    return exit_code_of_refusal(call.error());
  }
  if (const ExitCode code = print(call->json + "\n"); code != ExitCode::done) {
    explain(*call);  // its token, if it has one, is lost: an operator has to end it
    return code;
  }
  if (!call->has_token()) explain(*call);
  return exit_code_for_hooks(*call);
}

}  // namespace tallygate
