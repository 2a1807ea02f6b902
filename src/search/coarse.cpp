#include "search/coarse.h"

#include <bit>
#include <cmath>
#include <cstdint>

namespace verissim::search {
namespace {

constexpr float kSlopeGrid = 128.0F;
constexpr int kMultiplierBits = 8;  // behind the leading one
constexpr int kCurveBits = 4;

// Rounded to nearest.
float keep_bits(float x, int bits) {
  if (!std::isfinite(x)) return x;
  const int dropped = 23 - bits;
  const uint32_t half = UINT32_C(1) << (dropped - 1);
  const uint32_t kept = (std::bit_cast<uint32_t>(x) + half) & ~((half << 1) - 1);
  const auto rounded = std::bit_cast<float>(kept);
  return std::isfinite(rounded) ? rounded : x;
}

float on_grid(float x, float grid) { return std::nearbyint(x * grid) / grid; }

}  // namespace

void coarsen(bounds::Rows& rows) {
  for (float& slope : rows.alpha) slope = on_grid(slope, kSlopeGrid);
  for (float& multiplier : rows.beta) multiplier = keep_bits(multiplier, kMultiplierBits);
  for (float& multiplier : rows.eta) multiplier = keep_bits(multiplier, kMultiplierBits);
  for (float& curve : rows.curve) curve = keep_bits(curve, kCurveBits);
  for (float& value : rows.centre) value = on_grid(value, kCentreGrid);
}

}  // namespace verissim::search
