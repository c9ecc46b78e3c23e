/// A size in the largest binary unit that it fills, as in `1.5 GiB`.
package func formatBytes(_ bytes: Int) -> String {
  let units = ["KiB", "MiB", "GiB", "TiB"]
  guard bytes >= 1024 else { return "\(bytes) B" }
  var value = Double(bytes)
  var unit = ""
  for next in units where value >= 1024 {
    value /= 1024
    unit = next
  }
  return "\((value * 10).rounded() / 10) \(unit)"
}
