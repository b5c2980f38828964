#include "policy/load.h"

#include "policy/file_text.h"
#include "policy/load_tables.h"
#include "policy/table_reader.h"
#include "policy/text.h"
#include "protocol/limits.h"
#include "protocol/names.h"

#include <filesystem>

namespace tallygate {
namespace {

void read_url(const TomlMember& url, const std::string& path, Policy& policy,
              ComplaintList& complaints) {
  constexpr std::string_view scheme = "sqlite:";
  const std::string& text = url.value.text;
  if (!text.starts_with(scheme)) {
    // Only the scheme is repeated: a URL may hold a password.
    const std::string_view other = std::string_view(text).substr(0, text.find(':'));
    const bool has_scheme = other.size() < text.size();
    complaints.add(url.place, (has_scheme ? "a store of the kind " + in_quotes(other)
                                          : std::string("a store without a kind")) +
                                  " is not in this version; write url = \"sqlite:PATH\"");
    return;
  }
  const std::string_view place = std::string_view(text).substr(scheme.size());
  if (place.empty() || place.find('\0') != std::string_view::npos) {
    complaints.add(url.place, "the store has no usable path; write url = \"sqlite:PATH\"");
    return;
  }
  // An absolute place replaces the folder.
  policy.store_path = (std::filesystem::path(path).parent_path() / place).string();
}

void read_store(const TomlMember& member, const std::string& path, Policy& policy,
                ComplaintList& complaints) {
  TableReader in(member.value, member.place, complaints);
  if (const TomlMember* url = in.find("url", TomlKind::string)) {
    read_url(*url, path, policy, complaints);
  }
  if (const auto index = in.choice("durability", {"power", "process"})) {
    policy.durability = *index == 0 ? Durability::power : Durability::process;
  }
}

void read_session(const TomlMember& member, Policy& policy, ComplaintList& complaints) {
  TableReader in(member.value, member.place, complaints);
  policy.pinned_agent = in.name("agent", is_identity_name, identity_charset);
  policy.pinned_run = in.name("run", is_identity_name, identity_charset);
  policy.allow_any_agent = in.boolean("allow_any_agent").value_or(false);
}

// Who writes these wants people to decide by their keys: nothing may run past that, observed or
// not.
void refuse_pins(TableReader& in) {
  for (const std::string_view key : {"approvers", "quorum"}) {
    const TomlMember* pin = in.find_unlisted(key);
    if (pin == nullptr) continue;
    in.complain(*pin, in_quotes(key) +
                          " pins approver keys, which this version cannot check, so nothing is "
                          "served by this file, and never with --observe; leave it out, and let "
                          "allow_unsigned say who may approve");
  }
}

void read_approvals(const TomlMember& member, Policy& policy, ComplaintList& complaints) {
  TableReader in(member.value, member.place, complaints);
  const auto timeout = read_duration(in, "timeout", limits::approval_timeout_ms_max);
  policy.approvals.timeout_ms = timeout.value_or(policy.approvals.timeout_ms);
  policy.approvals.allow_unsigned = in.boolean("allow_unsigned").value_or(false);
  refuse_pins(in);
}

void read_limits(const TomlMember& member, Policy& policy, ComplaintList& complaints) {
  TableReader in(member.value, member.place, complaints);
  const auto throttle = read_duration(in, "throttle_max", limits::tool_timeout_ms_max);
  policy.throttle_ms_max = throttle.value_or(policy.throttle_ms_max);
}

void read_agents(const TomlMember& agents, Policy& policy, ComplaintList& complaints) {
  for (const TomlMember& member : agents.value.members) {
    if (member.value.kind != TomlKind::table) {
      complaints.add(member.place, wrong_kind(member, TomlKind::table) + "; write [agents.NAME]");
      continue;
    }
    if (!is_pattern(member.key, is_identity_name)) {
      complaints.add(member.place, in_quotes(member.key) + " names no agent; write 1 to 128 of " +
                                       std::string(identity_charset) + ", * and ?");
    }
    TableReader in(member.value, member.place, complaints);
    in.explain_dots("agents.", member.key);
    policy.agents.push_back(
        AgentRule{member.key, in.name("group", is_identity_name, identity_charset).value_or("")});
  }
  refuse_ties(agents.value, complaints);
}

// An agent that the policy speaks of but does not know could never act, and a cap on it never bind.
void refuse_unknown_pin(const TomlMember& session, const Policy& policy,
                        ComplaintList& complaints) {
  if (!policy.pinned_agent || policy.knows_agent(*policy.pinned_agent)) return;
  for (const TomlMember& member : session.value.members) {
    if (member.key != "agent") continue;
    complaints.add(member.place, "agent " + in_quotes(*policy.pinned_agent) +
                                     " is not known, so nothing could run; add its [agents.NAME]" +
                                     did_you_mean(*policy.pinned_agent, agent_names(policy)));
  }
}

// An array of tables, which is written with two brackets.
const TomlMember* find_list(TableReader& in, std::string_view key) {
  const TomlMember* member = in.find(key);
  if (member == nullptr || member->value.kind == TomlKind::array) return member;
  in.complain(*member, wrong_kind(*member, TomlKind::array) + "; write [[" + member->key + "]]");
  return nullptr;
}

// What was read beside the file itself.
struct Beside {
  std::vector<TakenFile> files;
  Complaints complaints;  // about them
};

void read_tables(const TomlNode& top, const std::string& path, Policy& policy,
                 ComplaintList& complaints, Beside& beside) {
  TableReader in(top, Place{}, complaints);
  const TomlMember* store = in.find("store", TomlKind::table);
  if (store != nullptr) read_store(*store, path, policy, complaints);
  const TomlMember* session = in.find("session", TomlKind::table);
  if (session != nullptr) read_session(*session, policy, complaints);
  const TomlMember* agents = in.find("agents", TomlKind::table);
  if (agents != nullptr) read_agents(*agents, policy, complaints);
  const TomlMember* groups = in.find("groups", TomlKind::table);
  if (groups != nullptr) read_groups(*groups, policy, complaints);
  const TomlMember* budgets = find_list(in, "budgets");
  if (budgets != nullptr) read_budgets(*budgets, policy, complaints);
  const TomlMember* prices = in.find("prices", TomlKind::table);
  const TomlMember* from = in.find("prices_from", TomlKind::array);
  read_prices(prices, from, path, policy, complaints, beside.files, beside.complaints);
  const TomlMember* tools = in.find("tools", TomlKind::table);
  if (tools != nullptr) read_tools(*tools, path, policy, complaints);
  const TomlMember* rules = find_list(in, "rules");
  if (rules != nullptr) read_rules(*rules, policy, complaints);
  const TomlMember* approvals = in.find("approvals", TomlKind::table);
  if (approvals != nullptr) read_approvals(*approvals, policy, complaints);
  const TomlMember* bounds = in.find("limits", TomlKind::table);
  if (bounds != nullptr) read_limits(*bounds, policy, complaints);
  if (rules != nullptr) refuse_unknown_tools(*rules, policy, complaints);
  if (session != nullptr) refuse_unknown_pin(*session, policy, complaints);
}

Complaints unreadable(const std::string& path, std::string_view why) {
  return {path + ": cannot be read: " + std::string(why) +
          "; name another file, or write one with tallygate init"};
}

// Of one file that of its text; of several that of theirs, so that none can pass for another.
Digest digest_of(std::string_view text, const std::vector<TakenFile>& taken) {
  if (taken.empty()) return sha256(text);
  std::string digests = to_hex(sha256(text));
  for (const TakenFile& file : taken) digests += to_hex(sha256(file.text));
  return sha256(digests);
}

}  // namespace

std::variant<Policy, Complaints> load_policy_text(std::string_view text, const std::string& path) {
  ComplaintList complaints(path);
  const auto toml = read_toml(text);
  if (const auto* complaint = std::get_if<TomlComplaint>(&toml)) {
    complaints.add(complaint->place, complaint->what);
    return complaints.take();
  }
  Policy policy;
  Beside beside;
  read_tables(*std::get_if<TomlNode>(&toml), path, policy, complaints, beside);
  if (!complaints.empty() || !beside.complaints.empty()) {
    Complaints all = complaints.take();
    all.insert(all.end(), beside.complaints.begin(), beside.complaints.end());
    return all;
  }
  policy.digest = digest_of(text, beside.files);
  policy.files = {path};
  for (const TakenFile& file : beside.files) policy.files.push_back(file.path);
  return policy;
}

std::variant<Policy, Complaints> load_policy_file(const std::string& path) {
  std::string text;
  if (const std::string why = read_file_text(path, text); !why.empty()) {
    return unreadable(path, why);
  }
  return load_policy_text(text, path);
}

}  // namespace tallygate
