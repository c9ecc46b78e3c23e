internal import AttentionTrace
internal import Glibc
internal import TensorEngine

/// How much of two maps lies in the same place.
public struct MapOverlap: Hashable, Sendable {
  private let first: AttentionMap
  private let second: AttentionMap

  /// Compares two maps.
  /// - Precondition: they are on one grid.
  public init(_ first: AttentionMap, _ second: AttentionMap) {
    guard first.grid == second.grid else {
      bug("a map of \(first.grid) compared with one of \(second.grid)")
    }
    self.first = first
    self.second = second
  }

  // MARK: - As amounts

  /// Σ min(a, b) / Σ (a + b), 0…½: the term of A-STAR's segregation loss, a soft intersection over
  /// the sum of both.
  ///
  /// NaN if both maps are 0 or a value is negative, infinite or NaN.
  ///
  /// Source: Agarwal et al., A-STAR, ICCV 2023, equation 2.
  public var segregation: Double { sharedAmount(over: +) }

  /// Σ min(a, b) / Σ max(a, b), 0…1: the soft Jaccard index, an intersection over union.
  ///
  /// NaN as ``segregation``.
  public var softJaccard: Double { sharedAmount(over: max) }

  private func sharedAmount(over whole: (Double, Double) -> Double) -> Double {
    guard first.hasOnlyAmounts && second.hasOnlyAmounts else { return .nan }
    var (shared, sum) = (0.0, 0.0)
    for (a, b) in zip(first.values, second.values) {
      shared += Double(min(a, b))
      sum += whole(Double(a), Double(b))
    }
    return shared / sum
  }

  // MARK: - As distributions

  /// ½ KL(p‖q) + ½ KL(q‖p) in nats, of the maps divided by their sums; 0 for the same distribution.
  ///
  /// Infinite if a cell is 0 in one map only; NaN if a map is not a distribution, as ``MapStatistics``
  /// has it.
  ///
  /// Source: Rassin et al., Linguistic Binding in Diffusion Models (SynGen), NeurIPS 2023.
  public var symmetricKL: Double {
    distributions { p, q in
      p == q ? 0 : p == 0 || q == 0 ? .infinity : (p - q) * log(p / q) / 2
    }
  }

  /// Jensen and Shannon's divergence in nats, 0…log 2, of the maps divided by their sums.
  ///
  /// NaN if a map is not a distribution, as ``MapStatistics`` has it.
  ///
  /// Source: Lin, Divergence measures based on the Shannon entropy, IEEE TIT 37(1), 1991.
  public var jensenShannon: Double {
    let sum = distributions { p, q in
      let toFirst = p > 0 ? p * log(2 * p / (p + q)) : 0
      let toSecond = q > 0 ? q * log(2 * q / (p + q)) : 0
      return (toFirst + toSecond) / 2
    }
    // Rounding can leave a little less than nothing.
    return sum < 0 ? 0 : sum
  }

  /// The square root of ``jensenShannon``, which is a metric.
  public var jensenShannonDistance: Double { jensenShannon.squareRoot() }

  /// Adds a term up over the cells.
  private func distributions(_ term: (Double, Double) -> Double) -> Double {
    guard let p = MapDistribution(first), let q = MapDistribution(second) else { return .nan }
    return zip(p.shares, q.shares).reduce(0) { $0 + term($1.0, $1.1) }
  }

  // MARK: - As vectors

  /// The cosine of the angle between the maps as vectors, -1…1; CONFORM's similarity and, taken from
  /// 1, EBAMA's distance.
  ///
  /// NaN if a map is 0 or a value is infinite or NaN.
  ///
  /// Source: Meral et al., CONFORM, CVPR 2024.
  public var cosine: Double {
    var (product, ofFirst, ofSecond) = (0.0, 0.0, 0.0)
    for (a, b) in zip(first.values, second.values) {
      product += Double(a) * Double(b)
      ofFirst += Double(a) * Double(a)
      ofSecond += Double(b) * Double(b)
    }
    return product / (ofFirst.squareRoot() * ofSecond.squareRoot())
  }

  // MARK: - As places

  /// How far the largest values are apart, in cells; NaN if a value is NaN.
  public var peakDistance: Double {
    MapPeak(of: first).point.distance(to: MapPeak(of: second).point)
  }

  /// How far the centres of mass are apart, in cells; NaN if a map is not a distribution.
  public var centerDistance: Double {
    guard let p = MapDistribution(first), let q = MapDistribution(second) else { return .nan }
    return p.centerOfMass.distance(to: q.centerOfMass)
  }
}
