#include "property/formula.h"

#include <map>
#include <optional>

#include "base/error.h"

namespace verissim::property {
namespace {

constexpr size_t kMostConjunctions = 100'000;
constexpr size_t kMostConstraints = 20'000'000;  // in all conjunctions together

using Clause = std::vector<int>;  // numbers of constraints

bool bounds_an_input(const Constraint& c) { return c.terms.size() == 1 && !c.terms.front().variable.output; }

// What a constraint without variables says.
bool holds(const Constraint& c) { return c.strict ? c.constant < 0 : c.constant <= 0; }

// One end of a side.
struct End {
  mpq_class value;
  bool open = false;
};

// The ends of the inputs' ranges, as far as they are known.
class Ends {
 public:
  explicit Ends(int64_t inputs) : lower_(static_cast<size_t>(inputs)), upper_(static_cast<size_t>(inputs)) {}

  // a x + c <= 0
  void add(const Constraint& constraint) {
    const Term& term = constraint.terms.front();
    const auto i = static_cast<size_t>(term.variable.index);
    const End end{-constraint.constant / term.coefficient, constraint.strict};
    auto& own = term.coefficient > 0 ? upper_[i] : lower_[i];
    const int order = own ? cmp(end.value, own->value) : 0;
    const bool tighter = term.coefficient > 0 ? order < 0 : order > 0;
    if (!own || tighter || (order == 0 && end.open)) own = end;
  }

  std::vector<Side> sides(const std::string& file) const {
    std::vector<Side> result;
    for (size_t i = 0; i < lower_.size(); ++i) {
      if (!lower_[i] || !upper_[i]) {
        throw InputError(file, "input " + std::to_string(i),
                         std::string("no ") + (lower_[i] ? "upper" : "lower") + " bound",
                         "both, in every part of a disjunction");
      }
      result.push_back({lower_[i]->value, upper_[i]->value, lower_[i]->open, upper_[i]->open});
    }
    return result;
  }

 private:
  std::vector<std::optional<End>> lower_, upper_;
};

class NormalForm {
 public:
  NormalForm(const std::string& file, int64_t inputs, int64_t outputs) : file_(file), common_(inputs) {
    query_.inputs = inputs;
    query_.outputs = outputs;
  }

  Query run(std::vector<Formula> formulas) {
    std::vector<Clause> clauses = {{}};
    for (Formula& formula : formulas) {
      // Most files are long lists of bounds that hold in all conjunctions.
      if (formula.kind == Formula::Kind::kConstraint && bounds_an_input(formula.constraint)) {
        common_.add(formula.constraint);
      } else {
        clauses = product(clauses, expand(std::move(formula)));
      }
    }
    std::map<Clause, size_t> places;
    for (const Clause& clause : clauses) place(clause, places);
    return std::move(query_);
  }

 private:
  std::vector<Clause> expand(Formula&& formula) {
    if (formula.kind == Formula::Kind::kConstraint) {
      if (formula.constraint.terms.empty())
        return holds(formula.constraint) ? std::vector<Clause>{{}} : std::vector<Clause>{};
      constraints_.push_back(std::move(formula.constraint));
      return {{static_cast<int>(constraints_.size()) - 1}};
    }
    std::vector<Clause> result;
    if (formula.kind == Formula::Kind::kAll) result.emplace_back();
    for (Formula& part : formula.parts) {
      std::vector<Clause> clauses = expand(std::move(part));
      if (formula.kind == Formula::Kind::kAll) {
        result = product(result, clauses);
      } else {
        for (Clause& clause : clauses) result.push_back(std::move(clause));
      }
    }
    return result;
  }

  std::vector<Clause> product(const std::vector<Clause>& a, const std::vector<Clause>& b) const {
    if (a.size() * b.size() > kMostConjunctions) {
      throw InputError(file_, "",
                       "a disjunction of more than " + std::to_string(kMostConjunctions) + " conjunctions",
                       "fewer");
    }
    std::vector<Clause> result;
    size_t total = 0;
    for (const Clause& x : a) {
      for (const Clause& y : b) {
        total += x.size() + y.size();
        if (total > kMostConstraints) {
          throw InputError(file_, "", "more than " + std::to_string(kMostConstraints) + " constraints",
                           "fewer");
        }
        Clause& both = result.emplace_back(x);
        both.insert(both.end(), y.begin(), y.end());
      }
    }
    return result;
  }

  // Clauses with the same bounds of inputs share a case.
  void place(const Clause& clause, std::map<Clause, size_t>& places) {
    constexpr size_t kNowhere = -1;
    Clause bounds;
    Conjunction rest;
    for (const int number : clause) {
      const Constraint& constraint = constraints_[static_cast<size_t>(number)];
      if (bounds_an_input(constraint)) {
        bounds.push_back(number);
      } else {
        rest.push_back(constraint);
      }
    }
    const auto [found, is_new] = places.try_emplace(bounds, kNowhere);
    if (is_new) {
      Ends ends = common_;
      for (const int number : bounds) ends.add(constraints_[static_cast<size_t>(number)]);
      Case fresh{ends.sides(file_), {}};
      bool empty = false;
      for (const Side& side : fresh.box) empty = empty || side.is_empty();
      if (empty) return;
      found->second = query_.cases.size();
      query_.cases.push_back(std::move(fresh));
    }
    if (found->second != kNowhere) query_.cases[found->second].any_of.push_back(std::move(rest));
  }

  const std::string& file_;
  Ends common_;
  std::vector<Constraint> constraints_;
  Query query_;
};

}  // namespace

Query normal_form(const std::string& file, std::vector<Formula> formulas, int64_t inputs, int64_t outputs) {
  return NormalForm(file, inputs, outputs).run(std::move(formulas));
}

}  // namespace verissim::property
