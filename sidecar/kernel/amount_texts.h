// Charges as the wire writes them, and back, by the scales of a policy.
#pragma once

#include "policy/policy.h"
#include "protocol/amount.h"
#include "protocol/messages.h"
#include "protocol/result.h"

namespace tallygate {

AmountTexts to_texts(const Policy& policy, const Charges& charges);

// Refuses a unit whose text is not an amount of that unit.
Result<Charges> from_texts(const Policy& policy, const AmountTexts& texts);

}  // namespace tallygate
