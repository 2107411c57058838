# Ruby's own drb, for the benchmark of calls.
#
#   ruby calls.rb server                       prints `ready URI`, serves until standard input ends
#   ruby calls.rb client URI CALLERS SECONDS   prints `calling`, calls, prints the calls made and the
#                                              seconds they took, then waits for the end of standard input

require "drb/drb"

class Echo
  def echo(value) = value
end

case ARGV.shift
when "server"
  DRb.start_service("druby://127.0.0.1:0", Echo.new)
  $stdout.sync = true
  puts "ready #{DRb.uri}"
  $stdin.read
when "client"
  uri, callers, seconds = ARGV
  echo = DRbObject.new_with_uri(uri)
  echo.echo(1)
  $stdout.sync = true
  puts "calling"
  clock = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) }
  started = clock.call
  finish = started + seconds.to_f
  counts = Array.new(callers.to_i) do
    Thread.new do
      calls = 0
      while clock.call < finish
        echo.echo(1_234_567) == 1_234_567 or abort "wrong answer"
        calls += 1
      end
      calls
    end
  end
  puts "#{counts.sum(&:value)} #{clock.call - started}"
  $stdin.read # until it has been seen what CPU time this took
end
