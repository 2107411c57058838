# Sends random values to an echo server and compares what comes back: differential.rb URI COUNT SEED
require 'drb'
require_relative 'random_values'

uri, count, seed = ARGV[0], ARGV[1].to_i, ARGV[2].to_i
server = DRbObject.new_with_uri(uri)
values = RandomValues.new(seed)

# What Ruby itself makes of a value that crosses; its dump is what has to come back.
def crossed(value)
  Marshal.load(Marshal.dump(value))
end

def check(sent, back, number, seed)
  expected = Marshal.dump(crossed(sent))
  actual = Marshal.dump(back)
  return if expected == actual

  abort "value #{number} of seed #{seed} came back changed:\n" \
        "  sent     #{expected.unpack1('H*')}\n  received #{actual.unpack1('H*')}\n  #{sent.inspect}"
end

number = 0
while number < count
  # Every tenth batch goes one by one.
  batch = Array.new([100, count - number].min) { values.value }
  back = (number / 100 % 10).zero? ? batch.map { |value| server.echo(value) } : server.echo_many(*batch)
  abort "#{batch.size} values sent, #{back.size} came back" unless back.size == batch.size
  batch.zip(back) { |sent, received| check(sent, received, number += 1, seed) }
end
puts number
