#include "bounds/bowls.h"

#include <algorithm>
#include <cmath>

#include "bounds/backward.h"
#include "bounds/graph.h"
#include "bounds/optimise.h"

namespace verissim::bounds {
namespace {

// Lanczos steps: the vectors are nearly right from one pass to the next.
constexpr int kSteps = 4;
constexpr int kFirstSteps = 8;
constexpr int kFirstRounds = 4;
// What Lanczos underestimates; the replay looks for itself.
constexpr float kReserve = 1.002F;
// A first bowl has this share of the curvature that costs nothing.
constexpr float kFirstShare = 0.5F;
constexpr int kTrial = 3;            // passes until a bowl must have been better than the chords
constexpr float kSharpest = 100.0F;  // most curvature, in units of that of the parabola with two tangents
constexpr float kStep = 0.2F;        // of the curvatures' logarithms
constexpr float kDecay = 0.9F;
constexpr float kMeanDecay = 0.8F;  // Adam, as for the slopes
constexpr float kSquareDecay = 0.97F;
constexpr float kTiny = 1e-12F;

}  // namespace

Bowls::Bowls(const Graph& graph, const region::Region& region) : graph_(graph), region_(region) {}

size_t Bowls::place(int64_t row, size_t m) const {
  return static_cast<size_t>(row * graph_.neurons()) + members_[m].neuron;
}

// Whether the neuron has a parabola in the row if its coefficient is negative.
bool Bowls::bends(const Rows& rows, int64_t row, size_t m) const {
  const size_t j = members_[m].neuron;
  const auto r = static_cast<size_t>(row);
  return rows.lower[r][j] < 0.0F && rows.upper[r][j] > 0.0F && rows.split[place(row, m)] == 0;
}

void Bowls::add_group(const Rows& rows, const Coupling& coupling, float scale, int64_t offset) {
  const size_t first_coupled = groups_.empty() ? 0 : graph_.coupling().neurons().size();
  Group group{scale, members_.size(), 0, Eigenvalues(coupling), {}, {}, {}};
  std::vector<int32_t> used;
  for (size_t k = 0; k < coupling.neurons().size(); ++k) {
    members_.push_back(
        {static_cast<size_t>(coupling.neurons()[k] + offset), first_coupled + k, scale * coupling.square(k)});
    bool any = false;
    for (int64_t r = 0; r < rows.count && !any; ++r) any = bends(rows, r, members_.size() - 1);
    if (any) {
      used.push_back(static_cast<int32_t>(k));
    } else {
      members_.pop_back();
    }
  }
  group.count = used.size();
  group.eigenvalues.restrict_to(std::move(used));
  const auto count = static_cast<size_t>(rows.count);
  group.factor.assign(count * group.count, 0.0F);
  group.vector.assign(count * group.count, 1.0F / std::sqrt(static_cast<float>(group.count) + 1.0F));
  group.value.assign(count, 0.0F);
  groups_.push_back(std::move(group));
}

void Bowls::start(const Rows& rows) {
  const auto n = static_cast<size_t>(graph_.inputs());
  const auto count = static_cast<size_t>(rows.count);
  members_.clear();
  groups_.clear();
  if (graph_.coupling().before(graph_, rows.start)) {
    add_group(rows, graph_.coupling(), 1.0F, 0);
    const SecondCoupling* second = graph_.second_coupling();
    if (second != nullptr && is_behind(graph_, rows.start, second->layer()))
      add_group(rows, second->coupling(), second->scale(), second->offset());
  }
  const size_t size = count * members();
  iteration_ = 0;
  curved_ = rows.curved;
  inherited_ = rows.curved;
  best_curved_.assign(count, 0);
  given_up_.assign(count, 0);
  for (auto* values : {&curve_, &at_centre_, &mean_, &square_}) values->assign(size, 0.0F);
  for (auto* values : {&curvature_, &stiffness_, &distance_}) values->assign(count, 0.0F);
  centre_ = rows.centre;
  centre_.resize(count * n, 0.0F);
  if (!active()) return;
  if (std::find(curved_.begin(), curved_.end(), 1) != curved_.end()) {
    evaluate_second(rows.count, centre_.data());
    for (int64_t r = 0; r < rows.count; ++r) {
      if (curved_[static_cast<size_t>(r)] != 0) take_row(rows, r);
    }
  }
  best_curve_ = curve_;
  best_centre_ = centre_;
  best_curvature_.assign(count, {});
}

void Bowls::take_row(const Rows& rows, int64_t row) {
  const auto r = static_cast<size_t>(row);
  const float* x0 = centre_.data() + r * static_cast<size_t>(graph_.inputs());
  for (size_t m = 0; m < members(); ++m) {
    curve_[member(row, m)] = rows.curve[r * graph_.coupled() + members_[m].coupled];
    if (m < groups_.front().count)
      at_centre_[member(row, m)] = graph_.coupling().value(members_[m].coupled, x0);
  }
  if (groups_.size() > 1) move_second(row);
}

// The second layer's true inputs at points: R x n.
void Bowls::evaluate_second(int64_t rows, const float* points) {
  if (groups_.size() < 2 || groups_[1].count == 0) return;
  second_ =
      evaluate_layer(graph_, graph_.layer(graph_.second_coupling()->layer()).inputs.front(), rows, points);
}

void Bowls::move_second(int64_t row) {
  const SecondCoupling& second = *graph_.second_coupling();
  const float* own = second_.data() + row * graph_.layer(second.layer()).size;
  for (size_t m = groups_[1].first; m < members(); ++m)
    at_centre_[member(row, m)] = own[members_[m].neuron - static_cast<size_t>(second.offset())];
}

void Bowls::relax(const Rows& rows, float* up, float* cut) const {
  for (int64_t r = 0; r < rows.count; ++r) {
    if (curved_[static_cast<size_t>(r)] == 0) continue;
    for (size_t m = 0; m < members(); ++m) {
      const float q = curve_[member(r, m)];
      if (!(q > 0.0F) || !bends(rows, r, m)) continue;
      const size_t j = members_[m].neuron;
      const float z = at_centre_[member(r, m)];
      const Parabola parabola = parabola_above_relu(rows.lower[static_cast<size_t>(r)][j],
                                                    rows.upper[static_cast<size_t>(r)][j], q);
      up[place(r, m)] = parabola.slope + 2.0F * q * z;
      cut[place(r, m)] = parabola.constant - q * z * z;
    }
  }
}

void Bowls::measure(const Rows& rows, const float* coefficients) {
  std::fill(curvature_.begin(), curvature_.end(), 0.0F);
  const bool any = std::find(curved_.begin(), curved_.end(), 1) != curved_.end();
  for (Group& group : groups_) {
    for (int64_t r = 0; r < rows.count; ++r) {
      for (size_t k = 0; k < group.count; ++k) {
        const size_t m = group.first + k;
        const float a = coefficients[place(r, m)];
        const bool bent = curved_[static_cast<size_t>(r)] != 0 && a < 0.0F && bends(rows, r, m);
        group.factor[static_cast<size_t>(r) * group.count + k] =
            bent ? std::sqrt(-a * curve_[member(r, m)]) : 0.0F;
      }
    }
    if (!any || group.count == 0) continue;
    const int steps = iteration_ == 0 ? 2 * kFirstSteps : kSteps;
    group.eigenvalues.run(rows.count, group.factor.data(), group.vector.data(), group.value.data(), steps);
    for (size_t r = 0; r < curvature_.size(); ++r) {
      group.value[r] *= kReserve;
      curvature_[r] += group.scale * group.value[r];
    }
  }
}

void Bowls::raise(const Rows& rows, float* rise) {
  const int64_t n = graph_.inputs();
  const auto excess = static_cast<float>((region_.mean_weight() - 1.0) / static_cast<double>(n));
  for (int64_t r = 0; r < rows.count; ++r) {
    if (curved_[static_cast<size_t>(r)] == 0) continue;
    const float* x = rows.points.data() + r * n;
    const float* x0 = centre_.data() + r * n;
    float sum = 0.0F;
    float squares = 0.0F;
    for (int64_t i = 0; i < n; ++i) {
      const float d = x[i] - x0[i];
      sum += d;
      squares += d * d;
    }
    const auto row = static_cast<size_t>(r);
    distance_[row] = squares + excess * sum * sum;
    for (const Group& group : groups_) {
      const float weight = distance_[row] * group.scale * group.value[row];
      for (size_t k = 0; k < group.count; ++k) {
        const size_t i = place(r, group.first + k);
        const float y = group.vector[row * group.count + k];
        const bool bent = group.factor[row * group.count + k] > 0.0F;
        rise[i] = bent ? -weight * y * y / rows.coefficients_at_relu[i] : 0.0F;
      }
    }
  }
}

void Bowls::step(const Rows& rows) {
  ++iteration_;
  evaluate_second(rows.count, rows.points.data());
  std::vector<int64_t> fresh;
  for (int64_t r = 0; r < rows.count; ++r) {
    const auto row = static_cast<size_t>(r);
    if (given_up_[row] != 0) continue;
    const bool tried_chords = inherited_[row] == 0 || iteration_ > 1;
    if (!tried_chords) {  // the next pass is one with chords
      curved_[row] = 0;
    } else if (inherited_[row] != 0 && iteration_ == 2) {
      curved_[row] = best_curved_[row];
      given_up_[row] = best_curved_[row] == 0 ? 1 : 0;
    } else if (curved_[row] == 0) {
      fresh.push_back(r);
    } else if (iteration_ > kTrial && best_curved_[row] == 0) {
      given_up_[row] = 1;
      curved_[row] = 0;
    } else {
      climb(rows, r);
      move(rows, r);
    }
  }
  if (!fresh.empty()) begin(rows, fresh);
}

// The derivative of the bound in log q_j: a_j times that of the parabola's tangent at x0, taken at the
// minimiser, less that of lambda times the distance, |a_j| q_j (w_j.e)^2 d^2 = lambda y_j^2 d^2.
void Bowls::climb(const Rows& rows, int64_t row) {
  const auto r = static_cast<size_t>(row);
  const auto t = static_cast<float>(iteration_);
  const float mean_correction = 1.0F - std::pow(kMeanDecay, t);
  const float square_correction = 1.0F - std::pow(kSquareDecay, t);
  const float pace = kStep * std::pow(kDecay, t - 1.0F);
  for (const Group& group : groups_) {
    const float weight = group.scale * group.value[r] * distance_[r];
    for (size_t k = 0; k < group.count; ++k) {
      if (!(group.factor[r * group.count + k] > 0.0F)) continue;
      const size_t m = group.first + k;
      const size_t i = member(row, m);
      const size_t j = members_[m].neuron;
      const float y = group.vector[r * group.count + k];
      const float q = curve_[i];
      const float z = rows.z[place(row, m)];
      const float z0 = at_centre_[i];
      const Parabola p = parabola_above_relu(rows.lower[r][j], rows.upper[r][j], q);
      const float tangent = p.constant_slope + p.slope_slope * z + q * z0 * (2.0F * z - z0);
      const float gradient = rows.coefficients_at_relu[place(row, m)] * tangent - weight * y * y;
      mean_[i] = kMeanDecay * mean_[i] + (1.0F - kMeanDecay) * gradient;
      square_[i] = kSquareDecay * square_[i] + (1.0F - kSquareDecay) * gradient * gradient;
      const float step = mean_[i] / mean_correction / (std::sqrt(square_[i] / square_correction) + kTiny);
      const float sharpest = kSharpest / (4.0F * std::min(-rows.lower[r][j], rows.upper[r][j]));
      curve_[i] = std::min(q * std::exp(pace * step), sharpest);
    }
  }
}

void Bowls::move(const Rows& rows, int64_t row) {
  const int64_t n = graph_.inputs();
  std::copy_n(rows.points.begin() + row * n, n, centre_.begin() + row * n);
  for (size_t m = 0; m < groups_.front().count; ++m) at_centre_[member(row, m)] = rows.z[place(row, m)];
  if (groups_.size() > 1) move_second(row);
}

// First bowls: every parabola touches at the minimiser unless that takes more than its share of the
// curvature.
void Bowls::begin(const Rows& rows, const std::vector<int64_t>& fresh) {
  const size_t width = members();
  std::vector<float> target, level, touching, factors(fresh.size() * width), total(fresh.size());
  for (const int64_t r : fresh) {
    move(rows, r);
    target.push_back(kFirstShare * stiffness_[static_cast<size_t>(r)]);
    level.push_back(0.3F * target.back());
    for (size_t m = 0; m < width; ++m) {
      const float a = rows.coefficients_at_relu[place(r, m)];
      const bool bent = a < 0.0F && bends(rows, r, m);
      touching.push_back(bent ? -a / (4.0F * std::abs(at_centre_[member(r, m)]) + kTiny) : 0.0F);
    }
  }
  const auto fill = [&] {
    for (size_t f = 0; f < fresh.size(); ++f) {
      for (size_t m = 0; m < width; ++m) {
        const float share = level[f] / (members_[m].square + kTiny);
        factors[f * width + m] = std::sqrt(std::min(touching[f * width + m], share));
      }
    }
  };
  for (int round = 0; round < kFirstRounds; ++round) {
    fill();
    std::fill(total.begin(), total.end(), 0.0F);
    for (Group& group : groups_) add_curvatures(group, fresh, factors, total);
    for (size_t f = 0; f < fresh.size(); ++f) {
      if (total[f] > 0.0F) level[f] *= std::min(10.0F, target[f] / total[f]);
    }
  }
  fill();
  for (size_t f = 0; f < fresh.size(); ++f) bend_first(rows, fresh[f], factors.data() + f * width);
}

// The group's part of the rows' curvatures for such factors of all members.
void Bowls::add_curvatures(Group& group, const std::vector<int64_t>& fresh, const std::vector<float>& factors,
                           std::vector<float>& total) {
  if (group.count == 0) return;
  const auto own = [&group](std::vector<float>& values, size_t row) {
    return values.begin() + static_cast<long>(row * group.count);
  };
  std::vector<float> part(fresh.size() * group.count), vectors(part.size()), values(fresh.size());
  for (size_t f = 0; f < fresh.size(); ++f) {
    const auto first = factors.begin() + static_cast<long>(f * members() + group.first);
    std::copy_n(first, group.count, own(part, f));
    std::copy_n(own(group.vector, static_cast<size_t>(fresh[f])), group.count, own(vectors, f));
  }
  group.eigenvalues.run(static_cast<int64_t>(fresh.size()), part.data(), vectors.data(), values.data(),
                        kFirstSteps);
  for (size_t f = 0; f < fresh.size(); ++f) {
    total[f] += group.scale * values[f];
    std::copy_n(own(vectors, f), group.count, own(group.vector, static_cast<size_t>(fresh[f])));
  }
}

void Bowls::bend_first(const Rows& rows, int64_t row, const float* factors) {
  const auto r = static_cast<size_t>(row);
  curved_[r] = 1;
  for (size_t m = 0; m < members(); ++m) {
    const size_t j = members_[m].neuron;
    const float a = rows.coefficients_at_relu[place(row, m)];
    const float s = factors[m];
    // Those whose coefficient may turn negative later begin with a little.
    const float little = 0.01F / (rows.upper[r][j] - rows.lower[r][j]);
    const float nearer = std::min(-rows.lower[r][j], rows.upper[r][j]);
    curve_[member(row, m)] = s > 0.0F ? std::min(s * s / -a, kSharpest / (4.0F * nearer)) : little;
  }
}

void Bowls::keep(int64_t row) {
  const auto r = static_cast<size_t>(row);
  const auto copy = [row](const std::vector<float>& from, std::vector<float>& to, size_t width) {
    const auto first = from.begin() + row * static_cast<int64_t>(width);
    std::copy_n(first, width, to.begin() + row * static_cast<int64_t>(width));
  };
  best_curved_[r] = curved_[r];
  for (size_t g = 0; g < groups_.size(); ++g) best_curvature_[r][g] = groups_[g].value[r];
  copy(curve_, best_curve_, members());
  copy(centre_, best_centre_, static_cast<size_t>(graph_.inputs()));
}

void Bowls::finish(Rows& rows) const {
  const size_t k = graph_.coupled();
  rows.curved = best_curved_;
  rows.curvature = best_curvature_;
  rows.centre = best_centre_;
  rows.curve.assign(static_cast<size_t>(rows.count) * k, 0.0F);
  for (int64_t r = 0; r < rows.count; ++r) {
    if (best_curved_[static_cast<size_t>(r)] == 0) continue;
    for (size_t m = 0; m < members(); ++m) {
      if (!bends(rows, r, m)) continue;
      rows.curve[static_cast<size_t>(r) * k + members_[m].coupled] = best_curve_[member(r, m)];
    }
  }
}

}  // namespace verissim::bounds
