#include "kernel/amount_texts.h"

namespace tallygate {

AmountTexts to_texts(const Policy& policy, const Charges& charges) {
  AmountTexts texts;
  texts.reserve(charges.size());
  for (const Charge& charge : charges) {
    texts.emplace_back(charge.unit, format_amount(charge.amount, policy.scale_of(charge.unit)));
  }
  return texts;
}

Result<Charges> from_texts(const Policy& policy, const AmountTexts& texts) {
  Charges charges;
  for (const auto& [unit, text] : texts) {
    const Result<Amount> amount = parse_amount(text, policy.scale_of(unit));
    if (!amount) return Error{ErrorCode::invalid_params, unit + ": " + amount.error().message, {}};
    charges.push_back({unit, *amount});
  }
  return charges;
}

}  // namespace tallygate
