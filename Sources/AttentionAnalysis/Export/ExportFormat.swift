/// A form in which arrays leave Heed.
public enum ExportFormat: String, Hashable, Sendable, CaseIterable {
  /// One `.npy` an array, byte for byte what `np.save` writes.
  case npy
  /// All arrays in one `.npz`, byte for byte what `np.savez` writes.
  case npz
  /// All arrays in one `.safetensors`.
  case safetensors
  /// A Zarr v3 store, a chunk for each call, with CRC-32C.
  case zarr
  /// A Zarr v2 store, a chunk for each call.
  case zarr2
  /// One `.csv` a layer, a row for each number.
  case csv
}
