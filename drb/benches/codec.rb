# Ruby's half of the benchmark codec.rs, which starts it. Reads one command a line:
#
#   bytes ROW         prints the row's Marshal streams in hexadecimal
#   load ROW SECONDS  loads them over and over, prints the nanoseconds of one time
#   dump ROW SECONDS  dumps the values over and over, prints the nanoseconds of one time
class Entry
  def initialize(key, hits, ratio)
    @key = key
    @hits = hits
    @ratio = ratio
  end
end

random = Random.new(1)
word = ->(length) { Array.new(length) { (97 + random.rand(26)).chr }.join }

# Each row is a list of values, each of which is a stream of its own.
ROWS = {
  'small call' => ['inc', 2, 'counter', 1],
  'integers' => [Array.new(1000) { random.rand(2**[6, 15, 30, 48].sample(random: random)) }],
  'floats' => [Array.new(1000) { random.rand }],
  'strings' => [Array.new(1000) { word.call(5 + random.rand(30)) }],
  'hashes' => [Array.new(100) { Array.new(10) { [word.call(8), random.rand(10_000)] }.to_h }],
  'objects' => [Array.new(500) { Entry.new(word.call(8), random.rand(10_000), random.rand(1000) / 8.0) }],
  '1 MB of bytes' => [random.bytes(1_000_000)]
}.freeze
STREAMS = ROWS.transform_values { |values| values.map { |value| Marshal.dump(value) } }.freeze

def nanoseconds_of_one(seconds)
  now = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond) }
  start = now.call
  finish = start + (seconds * 1e9).to_i
  count = 0
  step = 1
  while now.call < finish
    step.times { yield }
    count += step
    step *= 2 if step < 64
  end
  (now.call - start).fdiv(count)
end

$stdout.sync = true
while (line = gets)
  command, row, seconds = line.chomp.split("\t")
  case command
  when 'bytes' then puts STREAMS.fetch(row).map { |stream| stream.unpack1('H*') }.join(' ')
  when 'load'
    streams = STREAMS.fetch(row)
    puts nanoseconds_of_one(seconds.to_f) { streams.each { |stream| Marshal.load(stream) } }
  when 'dump'
    values = ROWS.fetch(row)
    puts nanoseconds_of_one(seconds.to_f) { values.each { |value| Marshal.dump(value) } }
  end
end
