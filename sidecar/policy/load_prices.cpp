// [prices.MODEL]: what a million tokens cost; and the files of such tables that a policy takes in.
#include "policy/file_text.h"
#include "policy/load_tables.h"
#include "policy/pattern.h"
#include "policy/text.h"
#include "protocol/names.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace tallygate {
namespace {

constexpr std::array<std::string_view, token_classes> class_keys{"input", "cache_read",
                                                                 "cache_write", "output"};
constexpr std::size_t tiers_max = 8;
constexpr std::size_t files_max = 16;

// What the usage of one class costs; nothing where the key is absent or refused.
std::optional<Amount> read_token_rate(TableReader& in, std::string_view key,
                                      ComplaintList& complaints) {
  const TomlMember* member = in.find(key);
  if (member == nullptr) return std::nullopt;
  const auto rate = read_amount(*member, default_scale("usd"), complaints);
  if (!rate || *rate <= token_rate_max) return rate;
  in.complain(*member, in_quotes(key) + " is above " +
                           format_amount(token_rate_max, default_scale("usd")) +
                           " usd for a million tokens; prices are for a million of them");
  return std::nullopt;
}

// A class without a price of its own costs what `input` does; of a batch, what it does outside.
void read_rates(TableReader& in, bool batch, PriceTier& tier, ComplaintList& complaints) {
  for (std::size_t i = 0; i < token_classes; ++i) {
    const auto what = static_cast<TokenClass>(i);
    const auto rate = read_token_rate(in, class_keys[i], complaints);
    const bool is_answer = what == TokenClass::output;
    const Amount otherwise = batch       ? tier.rates[token_index(what, false)]
                             : is_answer ? Amount{}
                                         : tier.rates[token_index(TokenClass::input, false)];
    tier.rates[token_index(what, batch)] = rate.value_or(otherwise);
  }
}

void read_tier(TableReader& in, PriceTier& tier, ComplaintList& complaints) {
  in.require({"input", "output"});
  read_rates(in, false, tier, complaints);
  const TomlMember* batch = in.find("batch", TomlKind::table);
  if (batch == nullptr) {
    std::copy_n(tier.rates.begin(), token_classes, tier.rates.begin() + token_classes);
    return;
  }
  TableReader inner(batch->value, batch->place, complaints);
  inner.require({"input", "output"});
  read_rates(inner, true, tier, complaints);
}

std::optional<std::int64_t> read_above(TableReader& in, const TomlNode& table,
                                       ComplaintList& complaints) {
  in.require({"above"});
  const TomlMember* member = in.find("above");
  if (member == nullptr) return std::nullopt;
  const auto count = read_amount(*member, 0, complaints);
  if (!count) return std::nullopt;
  if (count->steps > 0) return count->steps;
  complaints.add(table.place, "a tier begins above at least one token");
  return std::nullopt;
}

void read_tiers(const TomlMember& tiers, ModelPrice& price, ComplaintList& complaints) {
  if (tiers.value.items.size() > tiers_max) {
    complaints.add(tiers.place, "more than " + std::to_string(tiers_max) + " tiers");
  }
  for (const TomlNode& item : tiers.value.items) {
    if (item.kind != TomlKind::table) {
      complaints.add(item.place, R"(a tier must be a table; write {above = "200000", ...})");
      continue;
    }
    PriceTier tier;
    TableReader in(item, item.place, complaints);
    if (const auto above = read_above(in, item, complaints)) tier.above = *above;
    read_tier(in, tier, complaints);
    if (tier.above <= price.tiers.back().above && tier.above > 0) {
      complaints.add(item.place, "tiers must rise; write the one above the fewest tokens first");
    }
    price.tiers.push_back(tier);
  }
}

void read_model(const TomlMember& member, Policy& policy, ComplaintList& complaints) {
  if (member.value.kind != TomlKind::table) {
    complaints.add(member.place, wrong_kind(member, TomlKind::table) + "; write [prices.MODEL]");
    return;
  }
  if (!is_pattern(member.key, is_tool_name)) {
    complaints.add(member.place, in_quotes(member.key) + " names no model; write 1 to 128 of " +
                                     std::string(tool_charset) + ", * and ?");
  }
  TableReader in(member.value, member.place, complaints);
  in.explain_dots("prices.", member.key);
  ModelPrice price{member.key, {PriceTier{}}};
  read_tier(in, price.tiers.front(), complaints);
  if (const TomlMember* tiers = in.find("tiers", TomlKind::array)) {
    read_tiers(*tiers, price, complaints);
  }
  policy.prices.push_back(std::move(price));
}

void read_models(const TomlMember& prices, Policy& policy, ComplaintList& complaints) {
  for (const TomlMember& member : prices.value.members) read_model(member, policy, complaints);
  refuse_ties(prices.value, complaints);
}

// The names that are there already win where they are the same, and may not tie otherwise.
void add_taken(const std::vector<ModelPrice>& taken, std::size_t own, const std::string& file,
               Place place, Policy& policy, ComplaintList& complaints) {
  for (const ModelPrice& price : taken) {
    const auto same = std::ranges::find(policy.prices, price.pattern, &ModelPrice::pattern);
    if (same != policy.prices.end() &&
        same < policy.prices.begin() + static_cast<std::ptrdiff_t>(own)) {
      continue;
    }
    const auto tie = std::ranges::find_if(policy.prices, [&](const ModelPrice& other) {
      return is_glob(other.pattern) && is_glob(price.pattern) &&
             literal_prefix(other.pattern) == literal_prefix(price.pattern);
    });
    if (same != policy.prices.end() || tie != policy.prices.end()) {
      complaints.add(place, file + " has a price for " + in_quotes(price.pattern) +
                                ", and so has another file of prices; write the one that holds " +
                                "as [prices." + in_quotes(price.pattern) + "] here");
      continue;
    }
    policy.prices.push_back(price);
  }
}

// Reads one file of prices; what is wrong inside goes to `elsewhere`, under its own name.
void read_price_file(const TakenFile& file, const std::string& shown, Place place, std::size_t own,
                     Policy& policy, ComplaintList& complaints, Complaints& elsewhere) {
  ComplaintList inside(file.path);
  const auto toml = read_toml(file.text);
  Policy taken;
  if (const auto* complaint = std::get_if<TomlComplaint>(&toml)) {
    inside.add(complaint->place, complaint->what);
  } else {
    TableReader in(*std::get_if<TomlNode>(&toml), Place{}, inside);
    in.require({"prices"});
    if (const auto dated = in.text("dated")) {
      policy.prices_dated.push_back(shown + " of " + printable(*dated));
    }
    if (const TomlMember* prices = in.find("prices", TomlKind::table)) {
      read_models(*prices, taken, inside);
    }
  }
  const Complaints found = inside.take();
  elsewhere.insert(elsewhere.end(), found.begin(), found.end());
  add_taken(taken.prices, own, shown, place, policy, complaints);
}

void take_file(const TomlNode& item, const std::string& path, std::size_t own, Policy& policy,
               ComplaintList& complaints, std::vector<TakenFile>& taken, Complaints& elsewhere) {
  if (item.kind != TomlKind::string || item.text.empty() ||
      item.text.find('\0') != std::string::npos) {
    complaints.add(item.place,
                   "a file of prices is named by a string, like \"prices/2026-11.toml\"");
    return;
  }
  TakenFile file{
      (std::filesystem::path(path).parent_path() / item.text).lexically_normal().string(), {}};
  if (const std::string why = read_file_text(file.path, file.text); !why.empty()) {
    complaints.add(item.place, "file of prices " + in_quotes(item.text) + " cannot be read: " +
                                   why + "; it is looked for at " + printable(file.path, 512));
    return;
  }
  read_price_file(file, in_quotes(item.text), item.place, own, policy, complaints, elsewhere);
  taken.push_back(std::move(file));
}

}  // namespace

void read_prices(const TomlMember* prices, const TomlMember* from, const std::string& path,
                 Policy& policy, ComplaintList& complaints, std::vector<TakenFile>& taken,
                 Complaints& elsewhere) {
  if (prices != nullptr) read_models(*prices, policy, complaints);
  if (from == nullptr) return;
  if (from->value.items.size() > files_max) {
    complaints.add(from->place, "more than " + std::to_string(files_max) + " files of prices");
    return;
  }
  const std::size_t own = policy.prices.size();
  for (const TomlNode& item : from->value.items) {
    take_file(item, path, own, policy, complaints, taken, elsewhere);
  }
}

}  // namespace tallygate
