import AttentionTrace
import Diffusion
import PromptText
import TensorEngine

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
    return ObjectiveValue(loss: loss, maxima: read.maxima(of: subjects))
  }
}

func picture(of prompt: String, by model: StableDiffusion) throws -> [UInt8] {
  let subjects = try SubjectSelection.subjects(named: [], in: model.tokenizer.encode(prompt))
  let request = GenerationRequest(
    prompt: prompt, seed: 0, method: .stableDiffusion, subjects: subjects)
  var schedule = AttendAndExcite.Settings()
  schedule.thresholds = [:]
  let objective = Apart(subjects: subjects, reading: try model.reading(request))
  var run = try model.sequence(request, guide: AttendAndExcite(objective, schedule))
  while let step = try run.next() { print(step.index, step.measurement?.loss ?? 0) }
  return try model.pixels(run.latent)
}
