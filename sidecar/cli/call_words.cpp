#include "cli/call_words.h"

#include "cli/output.h"
#include "protocol/json_writer.h"
#include "stdio/system.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

namespace tallygate {
namespace {

std::string first_of(const std::string& given, const char* name) {
  if (!given.empty()) return given;
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

Result<std::string> amounts_of(const std::vector<std::string>& words, const std::string& option) {
  AmountTexts amounts;
  for (const std::string& word : words) {
    const std::size_t split = word.find('=');
    const std::string unit = word.substr(0, split);
    if (split == std::string::npos || unit.empty()) {
      return Error{ErrorCode::usage, option + " wants UNIT=AMOUNT, such as usd=0.05", {}};
    }
    if (std::ranges::any_of(amounts, [&](const auto& amount) { return amount.first == unit; })) {
      return Error{ErrorCode::usage, option + " names " + quoted(unit) + " twice", {}};
    }
    amounts.emplace_back(unit, word.substr(split + 1));
  }
  return write_amounts(amounts);
}

Result<std::string> proposal_of(const CallWords& words, const std::string& args) {
  const Result<std::string> cost = amounts_of(words.cost, "--cost");
  if (!cost) return cost.error();
  JsonWriter out;
  out.begin_object().field("tool", words.tool).raw_field("args", args);
  if (!words.cost.empty()) out.raw_field("cost", *cost);
  if (!words.call_id.empty()) out.field("callId", words.call_id);
  return out.end_object().take();
}

SessionWish wish_of(const CallWords& words, const std::string& client) {
  return SessionWish{
      client, first_of(words.agent, "TALLYGATE_AGENT"), first_of(words.run, "TALLYGATE_RUN"), {}};
}

std::variant<std::unique_ptr<LocalSession>, ExitCode> open_local_session(
    const CommonOptions& options, const SessionWish& wish, const std::string& version) {
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  auto session = std::make_unique<LocalSession>();
  session->policy = std::move(std::get<Policy>(policy));
  auto ledger = open_ledger(session->policy, true);
  if (const auto* code = std::get_if<ExitCode>(&ledger)) return *code;
  session->ledger = std::move(std::get<std::unique_ptr<Ledger>>(ledger));
  session->clock = std::make_unique<SystemClock>();
  session->entropy = std::make_unique<SystemEntropy>();
  if (const Step step = session->ledger->become_owner(session->clock->now().utc_ms); !step) {
    return complain(step.error());
  }
  session->host = std::make_unique<LocalHost>(session->policy, *session->ledger, *session->entropy,
                                              version, wish);
  return session;
}

Result<std::string> wait_for(LocalSession& session, std::int64_t id) {
  while (true) {
    session.host->turn(session.clock->now());
    if (session.host->refusal()) return *session.host->refusal();
    if (auto answer = session.host->answer_to(id)) return std::move(*answer);
    const std::int64_t ms = session.host->next_wake_ms() - session.clock->now().boot_ms;
    std::this_thread::sleep_for(std::chrono::milliseconds(std::max<std::int64_t>(ms, 1)));
  }
}

void show_notes(LocalHost& host) {
  for (const std::string& note : host.take_notes()) {
    std::fprintf(stderr, "tallygate: %s\n", visible(note).c_str());
  }
}

ExitCode exit_code_of(const CallTold& call) {
  if (call.status == "completed" || call.status == "granted") return ExitCode::done;
  if (call.status == "held") return ExitCode::held;
  if (call.status == "in_doubt") return ExitCode::in_doubt;
  if (call.code == "store_busy" || call.code == "store_failed") return ExitCode::failed;
  if (call.code.starts_with("scope_")) return ExitCode::scope_closed;
  return call.status == "failed" ? ExitCode::failed : ExitCode::denied;
}

ExitCode exit_code_of_refusal(const Error& error) {
  const bool names_nothing =
      error.code == ErrorCode::invalid_params && !error.message.starts_with("params");
  return names_nothing ? ExitCode::not_found : exit_code_of(error);
}

void explain(const CallTold& call) {
  const std::string code = call.code.empty() ? "" : " (" + call.code + ")";
  const std::string again = call.replayed ? ", as it was told before" : "";
  const std::string reason = call.reason.empty() ? "" : ": " + visible(call.reason);
  std::fprintf(stderr, "tallygate: call %s is %s%s%s%s\n", call.action_id.c_str(),
               call.status.c_str(), code.c_str(), again.c_str(), reason.c_str());
}

}  // namespace tallygate
