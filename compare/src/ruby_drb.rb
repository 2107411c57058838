# Ruby's own drb, as the server (`server`) or the client (`client WORKLOAD URI SECONDS`) of a measurement.
require 'drb'

$stdout.sync = true
Record = Struct.new(:id, :name, :price, :stock, :tags)

class Desk
  def echo(number) = number
  def bytes(bytes) = bytes
  def records(records) = records
  def callback(number, back) = back.next_of(number)
end

class Back
  include DRb::DRbUndumped
  def next_of(number) = number + 1
end

def cpu = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID, :nanosecond)
def now = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
def check(holds) = holds || raise('what came back is not what was sent')

def serve
  DRb.start_service('druby://127.0.0.1:0', Desk.new, load_limit: 64 << 20)
  puts DRb.uri
  puts cpu while $stdin.gets
end

def echo(desk, until_)
  calls = 0
  while now < until_
    check desk.echo(calls) == calls
    calls += 1
  end
  calls
end

def work(desk, workload, seconds)
  until_ = now + (seconds * 1e9).to_i
  calls = 0
  case workload
  when 'sequential' then echo(desk, until_)
  when 'tasks' then Array.new(64) { Thread.new { echo(desk, until_) } }.sum(&:value)
  when '64KiB', '1MiB'
    bytes = "\a".b * (workload == '1MiB' ? 1 << 20 : 64 << 10)
    while now < until_
      check desk.bytes(bytes).bytesize == bytes.bytesize
      calls += 1
    end
    calls
  when 'records'
    records = Array.new(100) do |id|
      Record.new(id, "an article with the number #{id}", id * 1.25, id * 7 % 1000, ['new', "shelf #{id % 10}"])
    end
    while now < until_
      check desk.records(records).last == records.last
      calls += 1
    end
    calls
  when 'callback'
    back = Back.new
    while now < until_
      check desk.callback(calls, back) == calls + 1
      calls += 1
    end
    calls
  end
end

def call(workload, uri, seconds)
  DRb.start_service('druby://127.0.0.1:0', nil, load_limit: 64 << 20)
  desk = DRbObject.new_with_uri(uri)
  work(desk, workload, 0.2)
  puts 'ready'
  $stdin.gets
  began, used = now, cpu
  calls = work(desk, workload, seconds)
  puts "#{calls} #{now - began} #{cpu - used}"
end

case ARGV
in ['server', *] then serve
in ['client', workload, uri, seconds] then call(workload, uri, seconds.to_f)
end
