import Heed

/// Two subjects share no cell: Σ B̃₁ B̃₂ / Σ (B̃₁ + B̃₂).
struct Apart: AttentionObjective {
  let subjects: [Subject]
  let reading: MapReading

  func sites(among sites: [AttentionSite]) throws -> [AttentionSite] {
    try reading.sites(among: sites, for: subjects)
  }

  func evaluate(_ maps: PassMaps) -> ObjectiveValue {
    let read = reading.read(maps)
    let (first, second) = (read.smoothed(subjects[0]), read.smoothed(subjects[1]))
    let loss = (first * second).sum / (first + second).sum.floored(at: 1e-6)
    return ObjectiveValue(loss: loss, scores: read.scores(of: subjects))
  }
}

/// A method that follows it: a name, a title, and its loss in a run.
struct KeepApart: GradientMethod {
  let name = "keep-apart"
  let title = "Keep apart"
  let summary = "Subjects share no cell."
  var schedule = GradientSchedule(thresholds: [:])
  var smoothing = MapSmoothing()
  var needsSubjects: Bool { true }

  func objective(for run: PlannedRun) throws -> any AttentionObjective {
    Apart(subjects: run.subjects, reading: run.reading(smoothing))
  }
}

func picture(of prompt: String, by model: StableDiffusion) throws -> [UInt8] {
  let run = try model.plan(RunRequest(prompt, seed: 0, method: KeepApart()))
  var sequence = try run.sequence()
  while let step = try sequence.next() { print(step.index, step.measurement?.loss ?? 0) }
  return try run.pixels(sequence.latent)
}
