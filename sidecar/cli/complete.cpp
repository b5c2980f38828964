// `complete`: the second phase of a call that the caller ran by itself.
#include "cli/call_words.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/text_in.h"
#include "protocol/json_writer.h"
#include "protocol/strict_json.h"

namespace tallygate {
namespace {

Result<std::string> output_of(const CompleteOptions& words) {
  if (words.output.empty() && words.output_file.empty()) return std::string("null");
  const bool from_file = !words.output_file.empty();
  const Result<std::string> text = from_file ? read_file(words.output_file) : words.output;
  if (!text) return text.error();
  Result<JsonText> json = strict_json(*text);
  if (json) return std::string(json->view().raw);
  return Error{ErrorCode::usage,
               (from_file ? "--output-file: " : "--output: ") + json.error().message +
                   "; text is JSON only in quotes",
               {}};
}

struct Grant {
  std::string call, token;
};

// The token alone, or the whole answer of `propose`. In no message: whoever reads the token can end
// the call.
Result<Grant> grant_of(const CompleteOptions& words) {
  const Result<std::string> text = read_stdin();
  if (!text) return text.error();
  if (!text->starts_with('{')) {
    Grant grant{words.call, text->substr(0, text->find_first_of("\r\n"))};
    if (!grant.call.empty() && !grant.token.empty()) return grant;
    return Error{ErrorCode::usage,
                 "stdin has to hold the answer of propose, or the token of the call that is named",
                 {}};
  }
  const Result<JsonText> json = strict_json(*text);
  if (!json) return Error{ErrorCode::usage, "the answer of propose on stdin is no JSON", {}};
  const CallTold told = read_call(std::string(json->view().raw));
  if (!told.has_token()) {
    return Error{ErrorCode::usage, "the answer on stdin granted nothing, so it has no token", {}};
  }
  if (words.call.empty() || words.call == told.action_id) return Grant{told.action_id, told.token};
  return Error{ErrorCode::usage, "the answer on stdin is about another call than was named", {}};
}

Result<std::string> completion_of(const CompleteOptions& words) {
  const bool has_output = !words.output.empty() || !words.output_file.empty();
  if (has_output && !words.error.empty()) {
    return Error{ErrorCode::usage, "the call ended with an output or with an error, not both", {}};
  }
  const Result<std::string> output = output_of(words);
  if (!output) return output.error();
  const Result<std::string> usage = amounts_of(words.usage, "--usage");
  if (!usage) return usage.error();
  const Result<Grant> grant = grant_of(words);
  if (!grant) return grant.error();
  JsonWriter out;
  out.begin_object().field("actionId", grant->call).field("token", grant->token);
  if (words.error.empty()) {
    out.raw_field("output", *output);
  } else {
    out.field("error", words.error);
  }
  if (!words.usage.empty()) out.raw_field("usage", *usage);
  return out.end_object().take();
}

}  // namespace

ExitCode complete_call(const CommonOptions& options, const CompleteOptions& words,
                       const std::string& version) {
  const Result<std::string> completion = completion_of(words);
  if (!completion) return complain(completion.error());
  CallWords identity;
  identity.agent = words.agent;
  identity.run = words.run;
  auto opened = open_local_session(options, wish_of(identity, "tallygate complete"), version);
  if (const auto* code = std::get_if<ExitCode>(&opened)) return *code;
  LocalSession& session = *std::get<std::unique_ptr<LocalSession>>(opened);
  const Result<std::string> answer =
      wait_for(session, session.host->ask("actions/complete", *completion));
  if (!answer) {
    complain(answer.error());
    return exit_code_of_refusal(answer.error());
  }
  if (const ExitCode code = print(*answer + "\n"); code != ExitCode::done) return code;
  const CallTold call = read_call(*answer);
  if (call.status == "in_doubt") explain(call);
  // A failure that was told as one has been recorded as one: the command did what it was asked.
  return call.status == "failed" ? ExitCode::done : exit_code_of(call);
}

}  // namespace tallygate
