// [[rules]]: which tools may run, which never, which wait for a person.
#include "policy/load_tables.h"
#include "policy/text.h"
#include "protocol/limits.h"
#include "protocol/names.h"

#include <charconv>
#include <map>

namespace tallygate {
namespace {

// More than any tool could do; keeps the arithmetic of rates far from its ends.
constexpr std::int64_t rate_count_max = 1'000'000;

using RulePlaces = std::map<std::string, Place>;

void read_tool_glob(const TomlNode& node, Place place, Rule& rule, ComplaintList& complaints) {
  if (node.kind == TomlKind::string && is_pattern(node.text, is_tool_name)) {
    rule.tools.push_back(node.text);
    return;
  }
  const std::string what =
      node.kind == TomlKind::string ? in_quotes(node.text) : std::string(kind_words(node.kind));
  complaints.add(place, what + " matches no tool; write 1 to 128 of " + std::string(tool_charset) +
                            ", * and ?");
}

void read_match(const TomlMember& match, Rule& rule, ComplaintList& complaints) {
  TableReader in(match.value, match.place, complaints);
  in.require({"tool"});
  const TomlMember* tool = in.find("tool");
  if (tool == nullptr) return;
  if (tool->value.kind != TomlKind::array) {
    read_tool_glob(tool->value, tool->place, rule, complaints);
    return;
  }
  if (tool->value.items.empty()) {
    complaints.add(tool->place, "this rule matches no tool; name one, or leave the rule out");
  }
  for (const TomlNode& item : tool->value.items) {
    read_tool_glob(item, item.place, rule, complaints);
  }
}

// "10/1m": ten calls at once, and ten a minute in the long run.
std::optional<Rate> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  Rate rate;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + slash, rate.count);
  const auto per_ms = parse_duration_ms(text.substr(slash + 1));
  const bool is_whole = error == std::errc() && stop == text.data() + slash;
  if (!is_whole || rate.count < 1 || rate.count > rate_count_max) return std::nullopt;
  if (!per_ms || *per_ms < 1 || *per_ms > limits::tool_timeout_ms_max) return std::nullopt;
  rate.per_ms = *per_ms;
  return rate;
}

void read_rate(TableReader& in, Rule& rule, Place place, ComplaintList& complaints) {
  const bool is_there = in.find("rate") != nullptr;
  const TomlMember* member = is_there ? in.find("rate", TomlKind::string) : nullptr;
  if (rule.effect != Effect::throttle) {
    if (member != nullptr) in.complain(*member, "\"rate\" goes with effect = \"throttle\" alone");
    return;
  }
  if (!is_there) {
    complaints.add(place, "a rule that throttles needs a rate, like rate = \"10/1m\"");
    return;
  }
  if (member == nullptr) return;
  const auto rate = parse_rate(member->value.text);
  if (rate) {
    rule.rate = *rate;
  } else {
    in.complain(*member,
                "\"rate\" cannot be " + in_quotes(member->value.text) +
                    "; write CALLS/TIME, like \"10/1m\": 1 to 1000000 calls in 1ms to 24h");
  }
}

void read_id(TableReader& in, Rule& rule, RulePlaces& places, Place place,
             ComplaintList& complaints) {
  const auto id = in.name("id", is_identity_name, identity_charset);
  if (!id) return;
  rule.id = *id;
  const auto [earlier, is_new] = places.emplace(rule.id, place);
  if (is_new) return;
  complaints.add(place, "a rule with the id " + in_quotes(rule.id) + " stands at " +
                            complaints.where(earlier->second) + "; give each its own");
}

void read_rule(const TomlNode& table, Policy& policy, RulePlaces& places,
               ComplaintList& complaints) {
  Rule rule;
  TableReader in(table, table.place, complaints);
  in.require({"id", "match", "effect"});
  read_id(in, rule, places, table.place, complaints);
  if (const TomlMember* match = in.find("match", TomlKind::table)) {
    read_match(*match, rule, complaints);
  }
  constexpr Effect effects[] = {Effect::allow, Effect::deny, Effect::hold, Effect::throttle};
  std::vector<std::string_view> names;
  for (const Effect effect : effects) names.push_back(to_text(effect));
  if (const auto index = in.choice("effect", names)) rule.effect = effects[*index];
  read_rate(in, rule, table.place, complaints);
  if (const TomlMember* reason = in.find("reason", TomlKind::string)) {
    rule.reason = reason->value.text;
    if (rule.reason.size() > limits::reason_size_max) {
      in.complain(*reason, "\"reason\" is longer than " + std::to_string(limits::reason_size_max) +
                               " bytes; write one sentence");
    }
  }
  policy.rules.push_back(std::move(rule));
}

}  // namespace

void read_rules(const TomlMember& rules, Policy& policy, ComplaintList& complaints) {
  RulePlaces places;
  for (const TomlNode& item : rules.value.items) {
    if (item.kind == TomlKind::table) {
      read_rule(item, policy, places, complaints);
    } else {
      complaints.add(item.place, "a rule must be a table; write [[rules]]");
    }
  }
}

}  // namespace tallygate
