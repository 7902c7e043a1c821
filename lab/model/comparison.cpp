#include "lab/model/comparison.hpp"

namespace assay::model {

std::string_view label(finding found) {
  switch (found) {
    case finding::better:
      return "better";
    case finding::worse:
      return "worse";
    case finding::equivalent:
      return "equivalent";
    case finding::inconclusive:
      return "inconclusive";
    case finding::not_estimable:
      return "not estimable";
  }
  return "not estimable";
}

}  // namespace assay::model
