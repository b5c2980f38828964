// Where libFuzzer comes in.
#include "fuzz/target.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  tallygate::fuzz_one({reinterpret_cast<const char*>(bytes), size});
  return 0;
}
