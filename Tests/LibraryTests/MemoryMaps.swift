import Heed

func printPeak(of request: RunRequest, by model: StableDiffusion) throws {
  let planned = try model.plan(request)
  let recorder = try planned.memoryRecorder(RecordingPlan(layers: ["16x16"]))
  var sequence = try planned.sequence(observers: [recorder])
  while try sequence.next() != nil {}
  let map = try recorder.recording.map(
    of: "frog", by: "mean(head) mean(layer: 16x16) mean(step: 0..24)")
  print(map.peak, map.values.count)
}
