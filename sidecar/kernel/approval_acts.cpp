#include "kernel/approval_acts.h"

#include "kernel/operator_acts.h"
#include "kernel/settlement.h"
#include "protocol/json_writer.h"

namespace tallygate {
namespace {

std::string audit_body(const ApprovalRequest& request, const Resolution& resolution,
                       std::int64_t have) {
  JsonWriter out;
  out.begin_object().field("requestId", request.hold.id.text());
  out.field("verdict", resolution.approves ? "approved" : "denied");
  out.field("argsDigest", to_hex(request.hold.args_digest));
  out.field("needed", request.hold.needed).field("have", have);
  out.flag("signed", false).field("by", resolution.by);
  if (!resolution.reason.empty()) out.field("reason", resolution.reason);
  return out.end_object().take();
}

void disapprove(Turn& turn, const Policy& policy, const ApprovalRequest& request,
                const Resolution& resolution) {
  std::string reason = "a person denied this call";
  if (!resolution.reason.empty()) reason += ": " + resolution.reason;
  settle(turn, policy, request.call.row,
         Ending{ActionEvent::disapproved,
                Code::approval_denied,
                std::move(reason),
                {},
                {},
                {},
                resolution.by});
}

// Nothing where its time is up: whoever writes next ends it.
std::optional<ApprovalRequest> read_request(Turn& turn, const OpenHold& open) {
  auto call = turn.summarize(open.action.key);
  auto hold = call ? turn.find_hold(call->row) : std::nullopt;
  if (!hold || hold->deadline_ms <= turn.now_ms()) return std::nullopt;
  return ApprovalRequest{std::move(*hold), std::move(*call)};
}

}  // namespace

std::vector<ApprovalRequest> open_requests(Turn& turn) {
  std::vector<ApprovalRequest> requests;
  for (const OpenHold& open : turn.open_holds()) {
    if (auto request = read_request(turn, open)) requests.push_back(std::move(*request));
  }
  return requests;
}

// Looks at ids alone until it is found: arguments may be long, and open requests many.
Result<ApprovalRequest> find_request(Turn& turn, std::string_view suffix) {
  if (suffix.size() < call_suffix_size_min) {
    return Error{ErrorCode::usage, "give at least four characters of the request's id", {}};
  }
  std::vector<OpenHold> found = turn.open_holds();
  std::erase_if(found, [&](const OpenHold& open) {
    return !open.request.text().ends_with(suffix) && !open.action.text().ends_with(suffix);
  });
  if (found.size() > 1) {
    return Error{ErrorCode::stale, "several requests end so; give more of the id", {}};
  }
  auto request = found.empty() ? std::nullopt : read_request(turn, found.front());
  if (request) return std::move(*request);
  return Error{ErrorCode::not_found,
               "no open request's id, and no held call's, ends in \"" + std::string(suffix) + "\"",
               {}};
}

Step resolve(Turn& turn, const Policy& policy, const ApprovalRequest& request,
             const Resolution& resolution) {
  if (resolution.approves && request.hold.state == HoldState::approved) {
    return Error{ErrorCode::stale, "the request is approved already", {}};
  }
  if (!turn.add_resolution(request.hold, resolution.by, resolution.approves, resolution.reason) &&
      resolution.approves && turn.ok()) {
    return Error{ErrorCode::stale, resolution.by + " has answered this request already", {}};
  }
  const std::int64_t have = request.hold.have + (resolution.approves ? 1 : 0);
  turn.audit("approval", request.call.row.id.key, audit_body(request, resolution, have));
  turn.require_sync();
  if (!resolution.approves) {
    disapprove(turn, policy, request, resolution);
  } else {
    turn.set_hold(request.hold, have >= request.hold.needed ? HoldState::approved : HoldState::open,
                  have);
  }
  return Done{};
}

}  // namespace tallygate
