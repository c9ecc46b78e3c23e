internal import TensorEngine

// Pictures of one prompt resemble each other: a bootstrap that drew pictures one by one would take a
// thousand pictures of ten prompts for a thousand samples.

extension Bootstrap {
  /// The interval of the mean over prompts and seeds: each draw takes prompts with replacement, and of each
  /// prompt taken, its pictures with replacement.
  ///
  /// Every picture weighs the same, and the order of `samples` does not matter. Those that are NaN are left
  /// out. The ends are NaN with fewer than two prompts: pictures of one prompt say nothing of others. A
  /// proportion of 0 or 1 has no width, as no draw differs from it.
  ///
  /// The draws are NumPy's: for each resample, places of prompts by `random_sample(prompts)`, then for each of
  /// them places of pictures by `random_sample(pictures)`, where prompts are in
  /// the order of their names and pictures in that of their seeds.
  ///
  /// Source: Davison & Hinkley, Bootstrap Methods and Their Application, 1997, section 3.8 (strategy 2:
  /// both levels with replacement, the wider of the two).
  public func interval(of samples: [PictureSample]) -> BootstrapInterval {
    let kept = samples.filter { !$0.value.isNaN }
    let sorted = kept.sorted {
      ($0.prompt, $0.seed, $0.value) < ($1.prompt, $1.seed, $1.value)
    }
    let values = sorted.map(\.value)
    func mean(_ places: [Int]) -> Double {
      var sum = 0.0
      for place in places { sum += values[place] }
      return sum / Double(places.count)
    }
    let clusters = Self.clusters(of: sorted.map(\.prompt))
    let ends = ends(of: clusters, mean)
    return BootstrapInterval(
      estimate: values.isEmpty ? .nan : mean(Array(values.indices)), lower: ends.lower,
      upper: ends.upper, count: values.count, clusters: clusters.count,
      leftOut: samples.count - values.count)
  }

  /// The interval of the mean of `later` − `earlier`, as of two methods, over pictures of the same prompt and
  /// seed.
  ///
  /// A picture that only one of them has, or that is NaN in one of them, is left out.
  /// - Precondition: neither has a prompt and seed twice.
  public func pairedDifference(
    earlier: [PictureSample], later: [PictureSample]
  ) -> BootstrapInterval {
    struct Key: Hashable { let prompt: String, seed: UInt64 }
    func byKey(_ samples: [PictureSample]) -> [Key: PictureSample] {
      Dictionary(samples.map { (Key(prompt: $0.prompt, seed: $0.seed), $0) }) {
        bug("two samples of \($1.prompt), seed \($1.seed)")
      }
    }
    let (first, second) = (byKey(earlier), byKey(later))
    let all = first.merging(second) { here, _ in here }
    return interval(
      of: all.map { key, sample in
        PictureSample(
          prompt: sample.prompt, seed: sample.seed,
          value: (second[key]?.value ?? .nan) - (first[key]?.value ?? .nan))
      })
  }

  /// Where each cluster's samples stand: equal `names` stand beside each other.
  static func clusters(of names: [String]) -> [Range<Int>] {
    var clusters: [Range<Int>] = []
    for (place, name) in names.enumerated() {
      if let last = clusters.last, names[last.lowerBound] == name {
        clusters[clusters.count - 1] = last.lowerBound..<place + 1
      } else {
        clusters.append(place..<place + 1)
      }
    }
    return clusters
  }

  /// The ends of the interval of a statistic of the samples at some places, drawn in two stages.
  func ends(
    of clusters: [Range<Int>], _ statistic: ([Int]) throws -> Double
  ) rethrows -> (lower: Double, upper: Double) {
    guard clusters.count > 1 else { return (.nan, .nan) }
    var (taken, places): ([Int], [Int]) = ([], [])
    return try ends { source in
      taken.removeAll(keepingCapacity: true)
      places.removeAll(keepingCapacity: true)
      source.appendPlaces(of: clusters.indices, to: &taken)
      for cluster in taken { source.appendPlaces(of: clusters[cluster], to: &places) }
      return try statistic(places)
    }
  }
}
